package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.server.DecoratingHttpServiceFunction;
import com.linecorp.armeria.server.GracefulShutdown;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.TransientService;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;

/**
 * The gateway's end: open calls go on, new ones are refused with UNAVAILABLE (SHUTTING_DOWN) on
 * connections that are told to go away, so that clients try elsewhere. What is left when the time
 * is over ends with the same error.
 */
final class Drain implements DecoratingHttpServiceFunction {
  /**
   * How long nothing must be open before the port closes. Not zero, with which Armeria would wait
   * for no call at all.
   */
  private static final Duration QUIET = Duration.ofMillis(1);

  private final Duration grace;
  private volatile boolean begun;

  Drain(Duration grace) {
    this.grace = grace;
  }

  /** Refuses new calls from now on. */
  void begin() {
    begun = true;
  }

  /** How the server shall wait for open calls. */
  GracefulShutdown shutdown() {
    return GracefulShutdown.builder()
        .quietPeriod(QUIET)
        .timeout(grace.compareTo(QUIET) < 0 ? QUIET : grace)
        .toExceptionFunction((ctx, request) -> shuttingDown())
        .build();
  }

  @Override
  public HttpResponse serve(HttpService delegate, ServiceRequestContext ctx, HttpRequest request)
      throws Exception {
    // Health has its own words for it.
    if (!begun || ctx.config().service().as(TransientService.class) != null) {
      return delegate.serve(ctx, request);
    }
    ctx.initiateConnectionShutdown();
    return ErrorResponses.of(ctx, shuttingDown()).toHttpResponse();
  }

  private static LoupeException shuttingDown() {
    return LoupeException.of(
        ErrorReason.SHUTTING_DOWN, "the gateway is going down; try again, here or elsewhere");
  }
}
