package dev.loupe.gateway.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.ErrorDetailsProto;
import com.google.rpc.ErrorInfo;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpHeaders;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.ServerErrorHandler;
import com.linecorp.armeria.server.ServiceConfig;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.grpc.UnframedGrpcErrorHandler;
import com.linecorp.armeria.server.grpc.UnframedGrpcStatusMappingFunction;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.Status;
import java.util.Base64;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Errors as JSON callers get them, in the form of AIP-193: {@code {"error": {"code": 404, "status":
 * "NOT_FOUND", "message": ..., "details": [...]}}}, where the code is HTTP's, the status gRPC's,
 * and the details hold the {@code google.rpc.ErrorInfo}.
 */
final class JsonErrors implements UnframedGrpcErrorHandler, ServerErrorHandler {
  private static final Logger log = LoggerFactory.getLogger(JsonErrors.class);
  private static final UnframedGrpcStatusMappingFunction TO_HTTP =
      UnframedGrpcStatusMappingFunction.of();
  private static final JsonFormat.Printer DETAILS =
      JsonFormat.printer()
          .omittingInsignificantWhitespace()
          .usingTypeRegistry(
              JsonFormat.TypeRegistry.newBuilder()
                  .add(ErrorDetailsProto.getDescriptor().getMessageTypes())
                  .build());

  /** A transcoded call that ended with a gRPC status. */
  @Override
  public HttpResponse handle(
      ServiceRequestContext ctx, Status status, AggregatedHttpResponse response) {
    HttpStatus http = TO_HTTP.apply(ctx, status, null);
    HttpHeaders trailers = response.trailers().isEmpty() ? response.headers() : response.trailers();
    return body(
            http == null ? HttpStatus.INTERNAL_SERVER_ERROR : http,
            status.getCode().name(),
            status.getDescription() == null ? "no message" : status.getDescription(),
            details(trailers.get("grpc-status-details-bin")))
        .toHttpResponse();
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
    return switch (status.code()) {
      case 400 ->
          body(
              status,
              "INVALID_ARGUMENT",
              "the request cannot be read: " + why(description, cause),
              List.of(info(ErrorReason.INVALID_VALUE)));
      case 404 ->
          body(
              status,
              "NOT_FOUND",
              "nothing is served at " + place(headers) + "; /docs lists every call",
              List.of());
      case 405 ->
          body(
              status,
              "UNIMPLEMENTED",
              place(headers) + " is not served with this method; /docs lists every call",
              List.of());
      case 413 ->
          body(
              status,
              "RESOURCE_EXHAUSTED",
              "the request is too large for JSON; send less, or use gRPC",
              List.of(info(ErrorReason.MESSAGE_TOO_LARGE)));
      case 503 ->
          body(status, "UNAVAILABLE", "the call took too long, or the gateway closes", List.of());
      default ->
          body(
              status,
              "UNKNOWN",
              description == null ? status.reasonPhrase() : description,
              List.of());
    };
  }

  private static AggregatedHttpResponse body(
      HttpStatus http, String status, String message, List<Any> details) {
    JsonObject error = new JsonObject();
    error.addProperty("code", http.code());
    error.addProperty("status", status);
    error.addProperty("message", message);
    JsonArray shown = new JsonArray();
    for (Any detail : details) {
      try {
        shown.add(JsonParser.parseString(DETAILS.print(detail)));
      } catch (InvalidProtocolBufferException e) {
        log.debug("a detail of an error has no JSON form: {}", detail.getTypeUrl(), e);
      }
    }
    error.add("details", shown);
    JsonObject whole = new JsonObject();
    whole.add("error", error);
    return AggregatedHttpResponse.of(http, MediaType.JSON_UTF_8, whole.toString());
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

  private static Any info(ErrorReason reason) {
    return Any.pack(
        ErrorInfo.newBuilder().setReason(reason.name()).setDomain(LoupeErrors.DOMAIN).build());
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
