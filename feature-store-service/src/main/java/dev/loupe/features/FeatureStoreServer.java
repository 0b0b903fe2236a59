package dev.loupe.features;

import dev.loupe.server.GrpcServer;
import io.micrometer.core.instrument.MeterRegistry;

/** A feature store on a port of its own, for programs that hold several services. */
public final class FeatureStoreServer implements AutoCloseable {
  private static final int CONNECTIONS = 8;

  private final FeatureStore store;
  private final GrpcServer server;

  private FeatureStoreServer(FeatureStore store, GrpcServer server) {
    this.store = store;
    this.server = server;
  }

  /**
   * Opens the database and listens.
   *
   * @param jdbcUrl as {@link FeatureStore#open} takes it
   * @param host address to listen on
   * @param port 0 takes any free one
   * @param registry for the meters of the store and of its calls
   * @throws dev.loupe.server.errors.LoupeException PORT_IN_USE, and as {@link FeatureStore#open}
   *     throws
   */
  public static FeatureStoreServer start(
      String jdbcUrl, String host, int port, MeterRegistry registry) {
    FeatureStore store = FeatureStore.open(jdbcUrl, CONNECTIONS, registry);
    try {
      GrpcServer.Builder builder =
          GrpcServer.builder().host(host).port(port).metrics(registry).check(store::check);
      store.services().forEach(builder::service);
      return new FeatureStoreServer(store, builder.start());
    } catch (RuntimeException | Error e) {
      store.close();
      throw e;
    }
  }

  /** The port that it listens on. */
  public int port() {
    return server.port();
  }

  /** Drains, and closes the database. */
  @Override
  public void close() {
    server.close();
    store.close();
  }
}
