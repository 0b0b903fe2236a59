package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.cors.CorsService;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * Which web pages may call the gateway from a browser, for gRPC-Web and JSON alike: those that come
 * from this very machine, and those whose origins the operator names. Any page could otherwise read
 * from the Loupe of whoever opens it.
 */
final class Origins {
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

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

  boolean allows(String origin) {
    if (allowed.contains("*") || allowed.contains(origin)) {
      return true;
    }
    try {
      String host = URI.create(origin).getHost();
      return host != null && LOOPBACK.contains(host);
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
