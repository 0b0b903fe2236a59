package dev.loupe.server.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.loupe.server.errors.ListenAddress;
import dev.loupe.server.threads.NamedThreads;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.function.Supplier;

/**
 * The HTTP port that Prometheus scrapes: {@code /metrics} in the text format, and {@code /healthz},
 * which answers 200 as long as the process lives, and says what it lacks. Holds the registry that a
 * service's meters belong to, with the JVM's own in it.
 */
public final class MetricsEndpoint implements AutoCloseable {
  private static final String TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";
  private static final String TEXT = "text/plain; charset=utf-8";
  private static final int THREADS = 8;
  private static final int MAX_CONNECTIONS = 64;

  static {
    // The JDK's server reads these once, when its first server is made: without them a client that
    // sends slowly holds a thread for ever.
    bound("sun.net.httpserver.maxReqTime", 5);
    bound("sun.net.httpserver.maxRspTime", 60);
    bound("jdk.httpserver.maxConnections", MAX_CONNECTIONS);
  }

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics gc = new JvmGcMetrics();
  private volatile Supplier<String> health = () -> "ok\n";
  private ExecutorService threads;
  private HttpServer http;

  /** A registry that nothing serves yet. */
  public MetricsEndpoint() {
    List<MeterBinder> jvm =
        List.of(
            new JvmMemoryMetrics(),
            gc,
            new JvmThreadMetrics(),
            new ClassLoaderMetrics(),
            new ProcessorMetrics(),
            new UptimeMetrics());
    jvm.forEach(binder -> binder.bindTo(registry));
  }

  /** Where meters are made. */
  public MeterRegistry registry() {
    return registry;
  }

  /**
   * Listens.
   *
   * @param port 0 takes any free one
   * @throws dev.loupe.server.errors.LoupeException PORT_IN_USE; INVALID_VALUE when the host or port
   *     is not one of this machine
   */
  public synchronized MetricsEndpoint start(String host, int port) {
    ListenAddress.checkPort("metrics-port", port);
    try {
      http = HttpServer.create(ListenAddress.of(host, port), 16);
    } catch (IOException e) {
      throw ListenAddress.refused(host, port, e);
    }
    threads = NamedThreads.pool("metrics", THREADS, MAX_CONNECTIONS);
    http.setExecutor(threads);
    http.createContext("/", exchange -> answer(exchange, 404, TEXT, "try /metrics or /healthz\n"));
    http.createContext(
        "/metrics", exchange -> answer(exchange, 200, TEXT_FORMAT, registry.scrape(TEXT_FORMAT)));
    http.createContext("/healthz", exchange -> answer(exchange, 200, TEXT, health.get()));
    http.start();
    return this;
  }

  /**
   * What {@code /healthz} says, a line for each thing that is amiss. Its status stays 200: {@code
   * grpc.health.v1.Health} is what tells a balancer to go elsewhere.
   */
  public void health(Supplier<String> lines) {
    this.health = lines;
  }

  /** The port that it listens on. */
  public synchronized int port() {
    return http.getAddress().getPort();
  }

  @Override
  public synchronized void close() {
    if (http != null) {
      http.stop(0);
      threads.shutdownNow();
    }
    gc.close();
    registry.close();
  }

  private static void bound(String property, int value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, Integer.toString(value));
    }
  }

  private static void answer(HttpExchange exchange, int status, String type, String body)
      throws IOException {
    // Closing reads a short body that the client sent, and cuts the connection of a longer one.
    try (exchange) {
      boolean head = exchange.getRequestMethod().equals("HEAD");
      if (!head && !exchange.getRequestMethod().equals("GET")) {
        exchange.getResponseHeaders().set("Allow", "GET, HEAD");
        exchange.sendResponseHeaders(405, -1);
        return;
      }
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", type);
      exchange.sendResponseHeaders(status, head ? -1 : bytes.length);
      if (!head) {
        exchange.getResponseBody().write(bytes);
      }
    }
  }
}
