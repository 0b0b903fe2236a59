package dev.loupe.gateway.http;

import com.google.protobuf.Descriptors;
import com.google.protobuf.InvalidProtocolBufferException;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.Route;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.loupe.gateway.rest.HttpRules;
import dev.loupe.gateway.rest.PathTemplate;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The JSON form of calls in which the server streams: POST of one JSON object under the path of the
 * call's google.api.http annotation, answered by a stream of them. Armeria transcodes calls of one
 * answer only.
 */
final class JsonStreams {
  private static final Pattern METADATA_NAME = Pattern.compile("[0-9a-z_.-]+");

  private final RawJson json;

  JsonStreams(RawJson json) {
    this.json = json;
  }

  /** What to serve, by where. */
  Map<Route, HttpService> of(Collection<ServerServiceDefinition> services) {
    Map<Route, HttpService> routes = new LinkedHashMap<>();
    for (ServerServiceDefinition service : services) {
      for (ServerMethodDefinition<?, ?> method : service.getMethods()) {
        schema(method.getMethodDescriptor())
            .filter(Descriptors.MethodDescriptor::isServerStreaming)
            .flatMap(HttpRules::of)
            .map(PathTemplate::of)
            .ifPresent(path -> routes.put(route(path), new Call<>(method, path)));
      }
    }
    return routes;
  }

  /** The same services with streams that Armeria does not try to transcode. */
  static List<ServerServiceDefinition> without(Collection<ServerServiceDefinition> services) {
    return services.stream().map(JsonStreams::without).toList();
  }

  private static ServerServiceDefinition without(ServerServiceDefinition service) {
    ServiceDescriptor original = service.getServiceDescriptor();
    ServiceDescriptor.Builder listed =
        ServiceDescriptor.newBuilder(original.getName())
            .setSchemaDescriptor(original.getSchemaDescriptor());
    List<ServerMethodDefinition<?, ?>> methods =
        service.getMethods().stream().<ServerMethodDefinition<?, ?>>map(m -> without(m)).toList();
    methods.forEach(method -> listed.addMethod(method.getMethodDescriptor()));
    ServerServiceDefinition.Builder plain = ServerServiceDefinition.builder(listed.build());
    methods.forEach(plain::addMethod);
    return plain.build();
  }

  private static <Q, R> ServerMethodDefinition<Q, R> without(ServerMethodDefinition<Q, R> method) {
    MethodDescriptor<Q, R> descriptor = method.getMethodDescriptor();
    return descriptor.getType() == MethodDescriptor.MethodType.UNARY
        ? method
        : ServerMethodDefinition.create(
            descriptor.toBuilder().setSchemaDescriptor(null).build(),
            method.getServerCallHandler());
  }

  private static Optional<Descriptors.MethodDescriptor> schema(MethodDescriptor<?, ?> method) {
    return method.getSchemaDescriptor() instanceof ProtoMethodDescriptorSupplier schema
        ? Optional.of(schema.getMethodDescriptor())
        : Optional.empty();
  }

  private static Route route(PathTemplate path) {
    return Route.builder().regex(path.pattern()).methods(HttpMethod.POST).build();
  }

  private final class Call<Q, R> implements HttpService {
    private final ServerMethodDefinition<Q, R> method;
    private final PathTemplate path;

    Call(ServerMethodDefinition<Q, R> method, PathTemplate path) {
      this.method = method;
      this.path = path;
    }

    @Override
    public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) {
      // A stream lasts as long as its client wants it.
      ctx.clearRequestTimeout();
      return HttpResponse.of(
          request.aggregate(ctx.eventLoop()).thenApply(whole -> answer(ctx, whole)));
    }

    private HttpResponse answer(ServiceRequestContext ctx, AggregatedHttpRequest request) {
      Q message;
      try {
        message = read(ctx, request);
      } catch (LoupeException e) {
        return ErrorResponses.of(ctx, e).toHttpResponse();
      }
      return new JsonStreamCall<>(
              ctx, method.getMethodDescriptor(), json, StreamForm.of(request.headers()))
          .start(method.getServerCallHandler(), metadata(request.headers()), message);
    }

    private Q read(ServiceRequestContext ctx, AggregatedHttpRequest request) {
      MediaType type = request.contentType();
      if (type == null || !type.is(MediaType.JSON)) {
        throw unreadable("its Content-Type is " + type + "; give application/json");
      }
      Matcher matcher = path.pattern().matcher(ctx.decodedPath());
      if (!matcher.matches()) {
        throw unreadable("its path is malformed");
      }
      Map<String, String> fields = new HashMap<>();
      for (String field : path.fields()) {
        fields.put(field, matcher.group(fields.size() + 1));
      }
      try {
        return json.read(
            method.getMethodDescriptor().getRequestMarshaller(), request.contentUtf8(), fields);
      } catch (InvalidProtocolBufferException e) {
        throw unreadable(e.getMessage());
      }
    }

    private LoupeException unreadable(String why) {
      return LoupeException.of(ErrorReason.INVALID_VALUE, "the request cannot be read: " + why);
    }
  }

  /** The headers that gRPC has a form for; binary ones stay away, as JSON clients send none. */
  private static Metadata metadata(RequestHeaders headers) {
    Metadata metadata = new Metadata();
    headers.forEach(
        (name, value) -> {
          String key = name.toString();
          if (METADATA_NAME.matcher(key).matches()
              && !key.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
            metadata.put(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER), value);
          }
        });
    return metadata;
  }
}
