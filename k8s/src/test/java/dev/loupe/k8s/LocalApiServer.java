package dev.loupe.k8s;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.util.ClientBuilder;
import io.kubernetes.client.util.KubeConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A server on the loopback interface that speaks as much of the Kubernetes API as lists and watches
 * of EndpointSlices need: versions, chunked watch events, bookmarks, expired versions, errors.
 */
final class LocalApiServer implements AutoCloseable {
  private record Event(long version, String type, Map<String, Object> object) {}

  private final HttpServer http;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Gson gson = new GsonBuilder().serializeNulls().create();
  private final Map<String, Map<String, Object>> slices = new TreeMap<>();
  private final List<Event> history = new ArrayList<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final List<String> credentials = new CopyOnWriteArrayList<>();
  private long version = 100;
  private long oldest;
  private int refusal;
  private long watchGeneration;
  private boolean closed;

  LocalApiServer() {
    try {
      http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    http.setExecutor(threads);
    http.createContext("/", this::answer);
    http.start();
  }

  /** A client configured as kubectl would be. */
  ApiClient client() {
    String config =
        """
        apiVersion: v1
        kind: Config
        current-context: local
        contexts: [{name: local, context: {cluster: local, user: local}}]
        clusters: [{name: local, cluster: {server: "http://127.0.0.1:%d"}}]
        users: [{name: local, user: {token: a-token}}]
        """
            .formatted(http.getAddress().getPort());
    try {
      return ClientBuilder.kubeconfig(KubeConfig.loadKubeConfig(new StringReader(config))).build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Adds a slice, or replaces the one of that name. */
  synchronized void put(String name, Map<String, Object> slice) {
    version++;
    Map<String, Object> object = new HashMap<>(slice);
    object.put("apiVersion", "discovery.k8s.io/v1");
    object.put("kind", "EndpointSlice");
    object.put(
        "metadata", Map.of("name", name, "namespace", "lab", "resourceVersion", "" + version));
    history.add(new Event(version, slices.containsKey(name) ? "MODIFIED" : "ADDED", object));
    slices.put(name, object);
    notifyAll();
  }

  synchronized void delete(String name) {
    version++;
    Map<String, Object> object = new HashMap<>(slices.remove(name));
    object.put(
        "metadata", Map.of("name", name, "namespace", "lab", "resourceVersion", "" + version));
    history.add(new Event(version, "DELETED", object));
    notifyAll();
  }

  /** Tells watchers the version, without any change of theirs. */
  synchronized void bookmark() {
    version++;
    Map<String, Object> metadata = new HashMap<>();
    metadata.put("resourceVersion", "" + version);
    metadata.put("creationTimestamp", null);
    Map<String, Object> object = new HashMap<>();
    object.put("apiVersion", "discovery.k8s.io/v1");
    object.put("kind", "EndpointSlice");
    object.put("metadata", metadata);
    object.put("addressType", "");
    object.put("endpoints", null);
    object.put("ports", null);
    history.add(new Event(version, "BOOKMARK", object));
    notifyAll();
  }

  /** Forgets all versions but the present, as etcd's compaction does, and ends all watches. */
  synchronized void forget() {
    history.clear();
    version++;
    oldest = version;
    endWatches();
  }

  /** Ends all watches; clients may come back. */
  synchronized void endWatches() {
    watchGeneration++;
    notifyAll();
  }

  /** Answers every request with this HTTP status until told 0, and ends all watches. */
  synchronized void refuse(int status) {
    refusal = status;
    endWatches();
  }

  /** Paths with queries, in order. */
  List<String> requests() {
    return requests;
  }

  long lists() {
    return requests.stream().filter(r -> !r.contains("watch=true")).count();
  }

  long watches() {
    return requests.stream().filter(r -> r.contains("watch=true")).count();
  }

  /** Authorization headers, in order. */
  List<String> credentials() {
    return credentials;
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      endWatches();
    }
    http.stop(0);
    threads.shutdownNow();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      long generation;
      synchronized (this) {
        generation = watchGeneration;
        requests.add(exchange.getRequestURI().toString());
      }
      credentials.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
      Map<String, String> query = query(exchange.getRequestURI().getRawQuery());
      boolean known =
          exchange
                  .getRequestURI()
                  .getPath()
                  .equals("/apis/discovery.k8s.io/v1/namespaces/lab/endpointslices")
              && "kubernetes.io/service-name=inference".equals(query.get("labelSelector"));
      int refused;
      synchronized (this) {
        refused = known ? refusal : 404;
      }
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      if (refused != 0) {
        send(exchange, refused, status(refused));
      } else if ("true".equals(query.get("watch"))) {
        watch(exchange, generation, Long.parseLong(query.get("resourceVersion")));
      } else {
        send(exchange, 200, list());
      }
    }
  }

  private synchronized Map<String, Object> list() {
    return Map.of(
        "apiVersion",
        "discovery.k8s.io/v1",
        "kind",
        "EndpointSliceList",
        "metadata",
        Map.of("resourceVersion", "" + version),
        "items",
        List.copyOf(slices.values()));
  }

  private void watch(HttpExchange exchange, long generation, long from) throws IOException {
    exchange.sendResponseHeaders(200, 0);
    long sent = from;
    try (OutputStream out = exchange.getResponseBody()) {
      out.flush();
      while (true) {
        List<Event> events = new ArrayList<>();
        synchronized (this) {
          if (from < oldest) {
            out.write(line("ERROR", status(410)));
            return;
          }
          for (Event event : history) {
            if (event.version() > sent) {
              events.add(event);
            }
          }
          if (events.isEmpty()) {
            if (closed || generation != watchGeneration) {
              return;
            }
            wait();
            continue;
          }
        }
        for (Event event : events) {
          // In two chunks: what arrives first is no whole event.
          byte[] line = line(event.type(), event.object());
          out.write(line, 0, line.length / 2);
          out.flush();
          out.write(line, line.length / 2, line.length - line.length / 2);
          out.flush();
          sent = event.version();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private byte[] line(String type, Map<String, Object> object) {
    return (gson.toJson(Map.of("type", type, "object", object)) + "\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static Map<String, Object> status(int code) {
    return Map.of(
        "kind", "Status",
        "apiVersion", "v1",
        "status", "Failure",
        "message", "refused with " + code,
        "code", code);
  }

  private void send(HttpExchange exchange, int code, Map<String, Object> body) throws IOException {
    byte[] bytes = gson.toJson(body).getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(code, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static Map<String, String> query(String raw) {
    Map<String, String> query = new HashMap<>();
    for (String part : raw == null ? new String[0] : raw.split("&", -1)) {
      String[] pair = part.split("=", 2);
      query.put(pair[0], URLDecoder.decode(pair[1], StandardCharsets.UTF_8));
    }
    return query;
  }
}
