package dev.loupe.server.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
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
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutorService;

/**
 * The HTTP port that Prometheus scrapes: {@code /metrics} in the text format, and {@code /healthz},
 * which answers 200 as long as the process lives. Holds the registry that a service's meters belong
 * to, with the JVM's own in it.
 */
public final class MetricsEndpoint implements AutoCloseable {
  private static final String TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics gc = new JvmGcMetrics();
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
   * @throws IOException when it cannot listen there
   */
  public synchronized MetricsEndpoint start(String host, int port) throws IOException {
    http = HttpServer.create(new InetSocketAddress(host, port), 16);
    threads = NamedThreads.pool("metrics", 2, 16);
    http.setExecutor(threads);
    http.createContext(
        "/", exchange -> answer(exchange, 404, "text/plain", "try /metrics or /healthz\n"));
    http.createContext(
        "/metrics", exchange -> answer(exchange, 200, TEXT_FORMAT, registry.scrape(TEXT_FORMAT)));
    http.createContext("/healthz", exchange -> answer(exchange, 200, "text/plain", "ok\n"));
    http.start();
    return this;
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

  private static void answer(HttpExchange exchange, int status, String type, String body)
      throws IOException {
    try (exchange) {
      exchange.getRequestBody().readAllBytes();
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", type);
      boolean head = exchange.getRequestMethod().equals("HEAD");
      exchange.sendResponseHeaders(status, head ? -1 : bytes.length);
      if (!head) {
        exchange.getResponseBody().write(bytes);
      }
    }
  }
}
