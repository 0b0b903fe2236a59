package dev.loupe.gateway.http;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpHeaders;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.ServerErrorHandler;
import com.linecorp.armeria.server.ServiceConfig;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.grpc.UnframedGrpcErrorHandler;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.Status;
import java.util.Base64;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says what went wrong with a JSON call, and with requests that reached no call at all. */
final class HttpErrors implements UnframedGrpcErrorHandler, ServerErrorHandler {
  private static final Logger log = LoggerFactory.getLogger(HttpErrors.class);

  private final int maxMessageBytes;

  HttpErrors(int maxMessageBytes) {
    this.maxMessageBytes = maxMessageBytes;
  }

  /** A transcoded call that ended with a gRPC status. */
  @Override
  public HttpResponse handle(
      ServiceRequestContext ctx, Status status, AggregatedHttpResponse response) {
    HttpHeaders trailers = response.trailers().isEmpty() ? response.headers() : response.trailers();
    com.google.rpc.Status error = error(status, trailers);
    return ErrorResponses.of(null, ErrorResponses.http(ctx, error), error).toHttpResponse();
  }

  /** A status as a call's trailers give it, with its details. */
  static com.google.rpc.Status error(Status status, HttpHeaders trailers) {
    return com.google.rpc.Status.newBuilder()
        .setCode(status.getCode().value())
        .setMessage(status.getDescription() == null ? "no message" : status.getDescription())
        .addAllDetails(details(trailers.get("grpc-status-details-bin")))
        .build();
  }

  /** Everything that {@link #renderStatus} does not render is left to Armeria. */
  @Override
  public HttpResponse onServiceException(ServiceRequestContext ctx, Throwable cause) {
    return null;
  }

  /** A request that reached no call: an unknown path, a body that is no JSON, and the like. */
  @Override
  public AggregatedHttpResponse renderStatus(
      ServiceRequestContext ctx,
      ServiceConfig config,
      RequestHeaders headers,
      HttpStatus status,
      String description,
      Throwable cause) {
    return ErrorResponses.of(headers, status, explain(headers, status, description, cause));
  }

  private com.google.rpc.Status explain(
      RequestHeaders headers, HttpStatus status, String description, Throwable cause) {
    return switch (status.code()) {
      case 400 ->
          error(
              ErrorReason.INVALID_VALUE, "the request cannot be read: " + why(description, cause));
      case 404 ->
          error(
              Status.Code.NOT_FOUND,
              "nothing is served at " + place(headers) + "; /docs lists every call");
      case 405 ->
          error(
              Status.Code.UNIMPLEMENTED,
              place(headers) + " is not served with this method; /docs lists every call");
      case 413 ->
          error(
              ErrorReason.MESSAGE_TOO_LARGE,
              "the request is too large; send at most "
                  + maxMessageBytes
                  + " bytes, or use a streaming call");
      case 503 -> error(Status.Code.UNAVAILABLE, "the call took too long, or the gateway closes");
      default ->
          error(Status.Code.UNKNOWN, description == null ? status.reasonPhrase() : description);
    };
  }

  private static com.google.rpc.Status error(Status.Code code, String message) {
    return com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage(message).build();
  }

  private static com.google.rpc.Status error(ErrorReason reason, String message) {
    ErrorInfo info =
        ErrorInfo.newBuilder().setReason(reason.name()).setDomain(LoupeErrors.DOMAIN).build();
    return error(reason.code(), message).toBuilder().addDetails(Any.pack(info)).build();
  }

  private static List<Any> details(String header) {
    if (header == null) {
      return List.of();
    }
    try {
      return com.google.rpc.Status.parseFrom(Base64.getDecoder().decode(header)).getDetailsList();
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      log.debug("the details of an error cannot be read", e);
      return List.of();
    }
  }

  private static String why(String description, Throwable cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof IllegalArgumentException && t.getMessage() != null) {
        return t.getMessage();
      }
    }
    return description == null ? "it is malformed" : description;
  }

  private static String place(RequestHeaders headers) {
    return headers == null ? "this address" : headers.method() + " " + pathOnly(headers.path());
  }

  private static String pathOnly(String path) {
    int query = path.indexOf('?');
    return query < 0 ? path : path.substring(0, query);
  }
}
