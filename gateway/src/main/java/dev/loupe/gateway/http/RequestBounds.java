package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.DecoratingHttpServiceFunction;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.time.Duration;

/**
 * Bounds the whole length of JSON requests, and lifts the bound for gRPC streams, which may be
 * endless and whose messages have a bound of their own. Unary gRPC requests are read before this is
 * asked; the server's own bound holds for them.
 */
final class RequestBounds implements DecoratingHttpServiceFunction {
  /**
   * How long a gRPC client that was answered early may take to end its side of the call. Armeria
   * would otherwise reset the stream at once, and clients such as Python's then often see the reset
   * in the place of the status.
   */
  private static final Duration HALF_CLOSE = Duration.ofSeconds(10);

  private final int maxMessageBytes;

  RequestBounds(int maxMessageBytes) {
    this.maxMessageBytes = maxMessageBytes;
  }

  /** The bound for the server: beyond it, what comes of a unary request is not even read. */
  long transportLimit() {
    return 4L * maxMessageBytes;
  }

  @Override
  public HttpResponse serve(HttpService delegate, ServiceRequestContext ctx, HttpRequest request)
      throws Exception {
    if (isGrpc(request.headers())) {
      ctx.setMaxRequestLength(0);
      ctx.setRequestAutoAbortDelay(HALF_CLOSE);
    } else {
      ctx.setMaxRequestLength(maxMessageBytes);
    }
    return delegate.serve(ctx, request);
  }

  static boolean isGrpc(RequestHeaders request) {
    MediaType type = request.contentType();
    return type != null
        && type.type().equals("application")
        && (type.subtype().equals("grpc")
            || type.subtype().startsWith("grpc+")
            || type.subtype().startsWith("grpc-web"));
  }
}
