package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.cors.CorsService;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * Which web pages may call the gateway from a browser, for gRPC-Web and JSON alike: its own, those
 * that come from this very machine, and those whose origins the operator names. Any page could
 * otherwise call the Loupe of whoever opens it.
 */
final class Origins {
  private final List<String> allowed;

  /**
   * @param allowed origins such as {@code https://lab.example}; {@code *} for all
   */
  Origins(List<String> allowed) {
    this.allowed = List.copyOf(allowed);
  }

  /** Answers browsers that ask before they call, and names the origin in answers to it. */
  Function<? super HttpService, CorsService> decorator() {
    return CorsService.builder(this::allows)
        .allowRequestMethods(HttpMethod.GET, HttpMethod.POST, HttpMethod.DELETE)
        .allowRequestHeaders(
            HttpHeaderNames.CONTENT_TYPE,
            HttpHeaderNames.of("x-grpc-web"),
            HttpHeaderNames.of("x-user-agent"),
            HttpHeaderNames.of("grpc-timeout"))
        .exposeHeaders(
            HttpHeaderNames.of("grpc-status"),
            HttpHeaderNames.of("grpc-message"),
            HttpHeaderNames.of("grpc-status-details-bin"))
        .maxAge(Duration.ofHours(1))
        .newDecorator();
  }

  /** Whether pages of this origin may call. */
  boolean allows(String origin) {
    if (allowed.contains("*") || allowed.contains(origin)) {
      return true;
    }
    URI uri = uri(origin);
    return uri != null && uri.getHost() != null && HostNames.isLoopback(host(uri));
  }

  /**
   * The same, where the page may also be the gateway's own.
   *
   * @param authority that the request is for; behind a proxy that ends TLS, the scheme that the
   *     page sees is not known here, so it is not compared
   */
  boolean allows(String origin, String authority) {
    if (allows(origin)) {
      return true;
    }
    URI uri = uri(origin);
    if (uri == null || uri.getHost() == null || authority == null) {
      return false;
    }
    String own = authority.toLowerCase(Locale.ROOT);
    String page = uri.getAuthority().toLowerCase(Locale.ROOT);
    return own.equals(page)
        || own.equals(page + (uri.getScheme().equals("https") ? ":443" : ":80"));
  }

  private static String host(URI uri) {
    String host = uri.getHost().toLowerCase(Locale.ROOT);
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }

  private static URI uri(String origin) {
    try {
      URI uri = URI.create(origin);
      return uri.getScheme() == null ? null : uri;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
