package dev.loupe.inference.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

/**
 * An HTTP server that behaves like the hub: small files come from the hub itself, large ones by a
 * redirect to a storage server on another port, with the hub's headers on both.
 */
final class LocalHub implements AutoCloseable {
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  private record Stored(byte[] content, boolean large) {}

  private final HttpServer hub = server();
  private final HttpServer storage = server();
  private final Map<String, Stored> files = new ConcurrentHashMap<>();
  final List<String> requests = Collections.synchronizedList(new ArrayList<>());

  volatile Optional<String> requiredToken = Optional.empty();
  volatile int forbidden;
  volatile int failures;
  volatile Optional<String> announcedHash = Optional.empty();
  volatile long announcedSize = -1;
  volatile int cutAfter = Integer.MAX_VALUE;
  volatile int cuts;
  volatile boolean ranges = true;
  volatile boolean tokenSeenByStorage;
  volatile boolean stalls;
  final CountDownLatch stalled = new CountDownLatch(1);
  private final CountDownLatch closed = new CountDownLatch(1);

  LocalHub() throws IOException {
    hub.createContext("/", this::handleHub);
    storage.createContext("/", this::handleStorage);
    for (HttpServer server : List.of(hub, storage)) {
      server.setExecutor(Executors.newCachedThreadPool());
      server.start();
    }
  }

  private static HttpServer server() {
    try {
      return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
  }

  /** Small files have Git's hash as their tag. */
  LocalHub small(String name, String content) {
    files.put(name, new Stored(content.getBytes(StandardCharsets.UTF_8), false));
    return this;
  }

  /** Large files lie elsewhere and are named by SHA-256. */
  LocalHub large(String name, byte[] content) {
    files.put(name, new Stored(content, true));
    return this;
  }

  private void handleHub(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    requests.add(exchange.getRequestMethod() + " " + path);
    String token = exchange.getRequestHeaders().getFirst("Authorization");
    try (exchange) {
      if (failures > 0) {
        failures--;
        exchange.sendResponseHeaders(503, -1);
        return;
      }
      if (forbidden > 0) {
        exchange.sendResponseHeaders(forbidden, -1);
        return;
      }
      if (requiredToken.isPresent() && !("Bearer " + requiredToken.get()).equals(token)) {
        exchange.sendResponseHeaders(401, -1);
        return;
      }
      if (!path.matches("/owner/(tiny|other)/resolve/.*")) {
        exchange.getResponseHeaders().set("X-Error-Code", "RepoNotFound");
        exchange.sendResponseHeaders(404, -1);
        return;
      }
      String name = path.substring(path.lastIndexOf('/') + 1);
      Stored file = files.get(name);
      if (file == null) {
        exchange.getResponseHeaders().set("X-Error-Code", "EntryNotFound");
        exchange.sendResponseHeaders(404, -1);
        return;
      }
      exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
      String hash = announcedHash.orElseGet(() -> hash(file));
      if (file.large()) {
        long size = announcedSize >= 0 ? announcedSize : file.content().length;
        exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + hash + "\"");
        exchange.getResponseHeaders().set("X-Linked-Size", Long.toString(size));
        String location = "http://127.0.0.1:" + storage.getAddress().getPort() + "/" + name;
        exchange.getResponseHeaders().set("Location", location);
        exchange.sendResponseHeaders(302, -1);
      } else {
        exchange.getResponseHeaders().set("ETag", "\"" + hash + "\"");
        send(exchange, file.content());
      }
    }
  }

  private void handleStorage(HttpExchange exchange) throws IOException {
    tokenSeenByStorage |= exchange.getRequestHeaders().containsKey("Authorization");
    String name = exchange.getRequestURI().getPath().substring(1);
    String range = exchange.getRequestHeaders().getFirst("Range");
    requests.add("STORAGE " + name + (range == null ? "" : " " + range));
    try (exchange) {
      send(exchange, files.get(name).content());
    } catch (IOException e) {
      // A cut connection is what some tests ask for.
    }
  }

  private void send(HttpExchange exchange, byte[] content) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from = 0;
    int status = 200;
    if (range != null && ranges) {
      from = Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
      status = 206;
      exchange
          .getResponseHeaders()
          .set(
              "Content-Range",
              "bytes %d-%d/%d".formatted(from, content.length - 1, content.length));
    }
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", Integer.toString(content.length));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, content.length - from);
    OutputStream body = exchange.getResponseBody();
    if (stalls && content.length > 1_000) {
      body.write(content, from, from == 0 ? 500 : 0);
      body.flush();
      stalled.countDown();
      awaitClose();
      return;
    }
    int end = content.length;
    if (cuts > 0 && content.length - from > cutAfter) {
      cuts--;
      end = from + cutAfter;
    }
    body.write(content, from, end - from);
    body.flush();
  }

  private void awaitClose() {
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String hash(Stored file) {
    try {
      MessageDigest digest = MessageDigest.getInstance(file.large() ? "SHA-256" : "SHA-1");
      if (!file.large()) {
        digest.update(("blob " + file.content().length + "\0").getBytes(StandardCharsets.US_ASCII));
      }
      return HexFormat.of().formatHex(digest.digest(file.content()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    closed.countDown();
    hub.stop(0);
    storage.stop(0);
  }
}
