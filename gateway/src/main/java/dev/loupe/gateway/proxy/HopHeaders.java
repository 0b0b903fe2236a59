package dev.loupe.gateway.proxy;

import io.grpc.Metadata;
import java.util.List;
import java.util.Set;

/**
 * Tells metadata, which is passed on, from headers that belong to one connection or one encoding,
 * which each side makes for itself.
 */
final class HopHeaders {
  private static final String STATUS_DETAILS = "grpc-status-details-bin";
  private static final Set<String> NAMES =
      Set.of(
          "accept",
          "cache-control",
          "connection",
          "content-length",
          "content-type",
          "cookie",
          "date",
          "dnt",
          "host",
          "http2-settings",
          "if-modified-since",
          "if-none-match",
          "keep-alive",
          "origin",
          "pragma",
          "priority",
          "referer",
          "server",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "upgrade-insecure-requests",
          "user-agent",
          "x-grpc-web",
          "x-user-agent");
  private static final List<String> PREFIXES =
      List.of(":", "accept-", "access-control-", "grpc-", "proxy-", "sec-");

  private HopHeaders() {}

  /** What of these headers or trailers the other side gets to see; the argument stays as it is. */
  static Metadata passedOn(Metadata received) {
    Metadata passed = new Metadata();
    for (String name : received.keys()) {
      if (!isHop(name)) {
        if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
          copy(Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER), received, passed);
        } else {
          copy(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), received, passed);
        }
      }
    }
    return passed;
  }

  private static boolean isHop(String name) {
    return !name.equals(STATUS_DETAILS)
        && (NAMES.contains(name) || PREFIXES.stream().anyMatch(name::startsWith));
  }

  private static <T> void copy(Metadata.Key<T> key, Metadata from, Metadata to) {
    Iterable<T> values = from.getAll(key);
    if (values != null) {
      values.forEach(value -> to.put(key, value));
    }
  }
}
