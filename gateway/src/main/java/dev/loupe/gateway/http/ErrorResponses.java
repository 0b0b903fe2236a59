package dev.loupe.gateway.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.ErrorDetailsProto;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.grpc.protocol.GrpcHeaderNames;
import com.linecorp.armeria.common.grpc.protocol.StatusMessageEscaper;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.grpc.UnframedGrpcStatusMappingFunction;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import io.grpc.Status;
import java.util.Base64;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Errors as each kind of caller understands them. gRPC callers get a response that is nothing but
 * trailers. Everybody else gets the JSON of AIP-193: {@code {"error": {"code": 404, "status":
 * "NOT_FOUND", "message": ..., "details": [...]}}}, where the code is HTTP's, the status gRPC's,
 * and the details hold the {@code google.rpc.ErrorInfo}.
 */
final class ErrorResponses {
  private static final Logger log = LoggerFactory.getLogger(ErrorResponses.class);
  private static final UnframedGrpcStatusMappingFunction TO_HTTP =
      UnframedGrpcStatusMappingFunction.of();
  private static final JsonFormat.Printer DETAILS =
      JsonFormat.printer()
          .omittingInsignificantWhitespace()
          .usingTypeRegistry(
              JsonFormat.TypeRegistry.newBuilder()
                  .add(ErrorDetailsProto.getDescriptor().getMessageTypes())
                  .build());

  private ErrorResponses() {}

  /** The answer to a request that is refused before it reaches a call. */
  static AggregatedHttpResponse of(ServiceRequestContext ctx, LoupeException error) {
    com.google.rpc.Status status = LoupeErrors.toRpcStatus(error);
    return of(ctx.request().headers(), http(ctx, status), status);
  }

  /** The answer to a request with these headers. */
  static AggregatedHttpResponse of(
      RequestHeaders request, HttpStatus http, com.google.rpc.Status error) {
    return request != null && RequestBounds.isGrpc(request)
        ? trailersOnly(request.contentType(), error)
        : AggregatedHttpResponse.of(http, MediaType.JSON_UTF_8, json(http, error).toString());
  }

  /** The HTTP status for a gRPC one. */
  static HttpStatus http(ServiceRequestContext ctx, com.google.rpc.Status error) {
    HttpStatus http = TO_HTTP.apply(ctx, Status.fromCodeValue(error.getCode()), null);
    return http == null ? HttpStatus.INTERNAL_SERVER_ERROR : http;
  }

  /** An error as JSON. */
  static JsonObject json(HttpStatus http, com.google.rpc.Status status) {
    JsonObject error = new JsonObject();
    error.addProperty("code", http.code());
    error.addProperty("status", Status.fromCodeValue(status.getCode()).getCode().name());
    error.addProperty("message", status.getMessage());
    JsonArray details = new JsonArray();
    for (Any detail : status.getDetailsList()) {
      try {
        details.add(JsonParser.parseString(DETAILS.print(detail)));
      } catch (InvalidProtocolBufferException e) {
        log.debug("a detail of an error has no JSON form: {}", detail.getTypeUrl(), e);
      }
    }
    error.add("details", details);
    JsonObject whole = new JsonObject();
    whole.add("error", error);
    return whole;
  }

  private static AggregatedHttpResponse trailersOnly(
      MediaType contentType, com.google.rpc.Status error) {
    ResponseHeaders headers =
        ResponseHeaders.builder(HttpStatus.OK)
            .contentType(contentType)
            .add(GrpcHeaderNames.GRPC_STATUS, String.valueOf(error.getCode()))
            .add(GrpcHeaderNames.GRPC_MESSAGE, StatusMessageEscaper.escape(error.getMessage()))
            .add(
                GrpcHeaderNames.GRPC_STATUS_DETAILS_BIN,
                Base64.getEncoder().withoutPadding().encodeToString(error.toByteArray()))
            .build();
    return AggregatedHttpResponse.of(headers, HttpData.empty());
  }
}
