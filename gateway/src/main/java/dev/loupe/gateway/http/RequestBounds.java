package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.DecoratingHttpServiceFunction;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;

/**
 * Bounds the whole length of JSON requests, and lifts the bound for gRPC streams, which may be
 * endless and whose messages have a bound of their own. Unary gRPC requests are read before this is
 * asked; the server's own bound holds for them, which leaves room for an error with details.
 */
final class RequestBounds implements DecoratingHttpServiceFunction {
  private final int maxMessageBytes;

  RequestBounds(int maxMessageBytes) {
    this.maxMessageBytes = maxMessageBytes;
  }

  /** The bound for the server: over it, a unary request gets an answer without details. */
  long transportLimit() {
    return 4L * maxMessageBytes;
  }

  @Override
  public HttpResponse serve(HttpService delegate, ServiceRequestContext ctx, HttpRequest request)
      throws Exception {
    ctx.setMaxRequestLength(isGrpc(request) ? 0 : maxMessageBytes);
    return delegate.serve(ctx, request);
  }

  static boolean isGrpc(HttpRequest request) {
    MediaType type = request.contentType();
    return type != null
        && type.type().equals("application")
        && (type.subtype().equals("grpc")
            || type.subtype().startsWith("grpc+")
            || type.subtype().startsWith("grpc-web"));
  }
}
