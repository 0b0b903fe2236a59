package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.server.DecoratingHttpServiceFunction;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;

/**
 * Refuses requests that a browser was led to send here: those for a name that is not the gateway's,
 * and those from pages that may not call it. Programs send no Origin.
 */
final class CallerCheck implements DecoratingHttpServiceFunction {
  private final HostNames names;
  private final Origins origins;

  CallerCheck(HostNames names, Origins origins) {
    this.names = names;
    this.origins = origins;
  }

  @Override
  public HttpResponse serve(HttpService delegate, ServiceRequestContext ctx, HttpRequest request)
      throws Exception {
    String authority = request.authority();
    if (!names.allows(authority)) {
      return refused(ctx, unknownHost(authority));
    }
    String origin = request.headers().get(HttpHeaderNames.ORIGIN);
    if (origin != null && !origins.allows(origin, authority)) {
      return refused(ctx, unknownOrigin(origin));
    }
    return delegate.serve(ctx, request);
  }

  private static HttpResponse refused(ServiceRequestContext ctx, LoupeException error) {
    return ErrorResponses.of(ctx, error).toHttpResponse();
  }

  private static LoupeException unknownHost(String authority) {
    String host = HostNames.host(authority);
    return LoupeException.of(
            ErrorReason.HOST_NOT_ALLOWED,
            "the gateway does not answer to the name "
                + shown(authority)
                + "; if it is the gateway's, start the gateway with --allow-host="
                + (host == null ? "NAME" : shortened(host)))
        .with("host", shortened(String.valueOf(authority)));
  }

  private static LoupeException unknownOrigin(String origin) {
    return LoupeException.of(
            ErrorReason.ORIGIN_NOT_ALLOWED,
            "pages of "
                + shown(origin)
                + " may not call this gateway; if they should, start the gateway with"
                + " --allow-origin="
                + shortened(origin))
        .with("origin", shortened(origin));
  }

  private static String shown(String value) {
    return "\"" + shortened(String.valueOf(value)) + "\"";
  }

  private static String shortened(String value) {
    return value.length() <= 100 ? value : value.substring(0, 100) + "...";
  }
}
