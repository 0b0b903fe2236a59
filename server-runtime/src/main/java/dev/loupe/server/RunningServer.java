package dev.loupe.server;

import dev.loupe.server.metrics.MetricsEndpoint;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Function;

/**
 * A service that is up, with its metrics: for the main of a service and for programs that hold
 * several.
 */
public final class RunningServer implements AutoCloseable {
  private final GrpcServer grpc;
  private final MetricsEndpoint metrics;
  private final LoupeService service;
  private final boolean servesMetrics;
  private boolean closed;

  private RunningServer(
      GrpcServer grpc, MetricsEndpoint metrics, LoupeService service, boolean servesMetrics) {
    this.grpc = grpc;
    this.metrics = metrics;
    this.service = service;
    this.servesMetrics = servesMetrics;
  }

  /**
   * Makes a service and serves it.
   *
   * @param make gets the registry for the service's meters
   * @throws dev.loupe.server.errors.LoupeException PORT_IN_USE and what the service's own start
   *     throws; nothing stays open then
   */
  public static RunningServer start(
      ServerOptions options, Function<MeterRegistry, LoupeService> make) {
    MetricsEndpoint metrics = new MetricsEndpoint();
    LoupeService service = null;
    boolean servesMetrics = options.metricsPort() >= 0;
    try {
      if (servesMetrics) {
        metrics.start(options.host(), options.metricsPort());
      }
      service = make.apply(metrics.registry());
      GrpcServer.Builder builder = options.toServer().metrics(metrics.registry());
      service.services().forEach(builder::service);
      service.tracers().forEach(builder::tracer);
      GrpcServer grpc = builder.check(service::check).start();
      metrics.health(() -> grpc.health().text());
      return new RunningServer(grpc, metrics, service, servesMetrics);
    } catch (RuntimeException | Error e) {
      if (service != null) {
        service.close();
      }
      metrics.close();
      throw e;
    }
  }

  /** The gRPC port. */
  public int port() {
    return grpc.port();
  }

  /** The metrics port, -1 when there is none. */
  public int metricsPort() {
    return servesMetrics ? metrics.port() : -1;
  }

  /** The server, for its health and its open calls. */
  public GrpcServer grpc() {
    return grpc;
  }

  /** The registry with all of this server's meters. */
  public MeterRegistry registry() {
    return metrics.registry();
  }

  /** Waits until the server has ended. */
  public void awaitTermination() throws InterruptedException {
    grpc.awaitTermination();
  }

  /** Drains, then closes the service, then the metrics port. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    grpc.refuse();
    service.beforeDrain();
    grpc.close();
    service.close();
    metrics.close();
  }
}
