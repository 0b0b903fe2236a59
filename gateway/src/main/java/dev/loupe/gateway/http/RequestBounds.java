package dev.loupe.gateway.http;

import com.linecorp.armeria.common.ExchangeType;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.RoutingContext;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.SimpleDecoratingHttpService;
import java.time.Duration;

/**
 * Bounds the whole length of JSON requests, and lifts the bound for gRPC ones, whose messages have
 * a bound of their own and whose streams may be endless. A unary gRPC request that is too large is
 * read to its end, but not kept: were it cut off, its client would often hear of the cut in the
 * place of the error.
 */
final class RequestBounds extends SimpleDecoratingHttpService {
  /**
   * How long a gRPC client that was answered early may take to end its side of the call. Armeria
   * would otherwise reset the stream at once, and clients such as Python's then often see the reset
   * in the place of the status.
   */
  private static final Duration HALF_CLOSE = Duration.ofSeconds(10);

  private final int maxMessageBytes;

  RequestBounds(HttpService delegate, int maxMessageBytes) {
    super(delegate);
    this.maxMessageBytes = maxMessageBytes;
  }

  /** Armeria itself would gather a request that is no stream before anybody is asked. */
  @Override
  public ExchangeType exchangeType(RoutingContext routing) {
    return isUnaryGrpc(routing) ? ExchangeType.REQUEST_STREAMING : super.exchangeType(routing);
  }

  @Override
  public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) throws Exception {
    if (!isGrpc(request.headers())) {
      ctx.setMaxRequestLength(maxMessageBytes);
      return unwrap().serve(ctx, request);
    }
    ctx.setMaxRequestLength(0);
    ctx.setRequestAutoAbortDelay(HALF_CLOSE);
    if (!isUnaryGrpc(ctx.routingContext())) {
      return unwrap().serve(ctx, request);
    }
    HttpRequest kept = request.mapData(new Start(2L * maxMessageBytes)::of);
    ctx.updateRequest(kept);
    return unwrap().serve(ctx, kept);
  }

  private boolean isUnaryGrpc(RoutingContext routing) {
    return isGrpc(routing.headers()) && super.exchangeType(routing) == ExchangeType.UNARY;
  }

  static boolean isGrpc(RequestHeaders request) {
    MediaType type = request.contentType();
    return type != null
        && type.type().equals("application")
        && (type.subtype().equals("grpc")
            || type.subtype().startsWith("grpc+")
            || type.subtype().startsWith("grpc-web"));
  }

  /** Lets the first bytes of a request through, of which a message's size is the very first. */
  private static final class Start {
    private long left;

    Start(long bytes) {
      this.left = bytes;
    }

    HttpData of(HttpData data) {
      left -= data.length();
      if (left >= 0) {
        return data;
      }
      data.close();
      return HttpData.empty();
    }
  }
}
