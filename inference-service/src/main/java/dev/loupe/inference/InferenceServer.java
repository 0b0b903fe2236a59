package dev.loupe.inference;

import dev.loupe.server.RunningServer;
import dev.loupe.server.ServerOptions;
import io.micrometer.core.instrument.MeterRegistry;

/** An inference service that listens: for programs that hold one beside others, and for tests. */
public final class InferenceServer implements AutoCloseable {
  private final RunningServer server;

  private InferenceServer(RunningServer server) {
    this.server = server;
  }

  /** Loads the models and listens on any free port of the loopback interface. */
  public static InferenceServer start(InferenceConfig config) {
    return start(config, new ServerOptions());
  }

  /**
   * Loads the models and listens.
   *
   * @throws dev.loupe.server.errors.LoupeException PORT_IN_USE, and what {@link
   *     InferenceService#open} throws; nothing stays open then
   */
  public static InferenceServer start(InferenceConfig config, ServerOptions options) {
    return new InferenceServer(
        RunningServer.start(options, registry -> InferenceService.open(config, registry)));
  }

  /** The gRPC port. */
  public int port() {
    return server.port();
  }

  /** {@code host:port}, for a channel in this process. */
  public String target() {
    return "127.0.0.1:" + port();
  }

  /** Its meters. */
  public MeterRegistry registry() {
    return server.registry();
  }

  /** Drains, then frees the models. */
  @Override
  public void close() {
    server.close();
  }
}
