package dev.loupe.sae;

import dev.loupe.server.RunningServer;
import dev.loupe.server.ServerOptions;
import io.micrometer.core.instrument.MeterRegistry;

/** An sae service that listens: for programs that hold one beside others, and for tests. */
public final class SaeServer implements AutoCloseable {
  private final RunningServer server;

  private SaeServer(RunningServer server) {
    this.server = server;
  }

  /** Listens on any free port of the loopback interface. */
  public static SaeServer start(SaeConfig config) {
    return start(config, new ServerOptions());
  }

  /**
   * Opens the stores, goes on with unfinished operations, and listens.
   *
   * @throws dev.loupe.server.errors.LoupeException PORT_IN_USE, and what {@link SaeService#open}
   *     throws; nothing stays open then
   */
  public static SaeServer start(SaeConfig config, ServerOptions options) {
    return new SaeServer(
        RunningServer.start(options, registry -> SaeService.open(config, registry)));
  }

  /** The gRPC port. */
  public int port() {
    return server.port();
  }

  /** {@code host:port}, for a channel in this process. */
  public String target() {
    return "127.0.0.1:" + port();
  }

  /** The metrics port, -1 when there is none. */
  public int metricsPort() {
    return server.metricsPort();
  }

  /** Its meters. */
  public MeterRegistry registry() {
    return server.registry();
  }

  /** Lets operations write their checkpoints, drains, and closes the stores. */
  @Override
  public void close() {
    server.close();
  }
}
