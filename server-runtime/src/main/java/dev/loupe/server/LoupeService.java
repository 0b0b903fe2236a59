package dev.loupe.server;

import io.grpc.BindableService;
import io.grpc.ServerStreamTracer;
import java.util.List;

/** What a program serves: gRPC services and what they hold open. */
public interface LoupeService extends AutoCloseable {
  /** The services, in any order. */
  List<BindableService> services();

  /** What hears of calls before their requests are read. */
  default List<ServerStreamTracer.Factory> tracers() {
    return List.of();
  }

  /**
   * Called before the server drains, so that calls which would wait for background work can end:
   * stop that work here.
   */
  default void beforeDrain() {}

  /**
   * Ends background work and closes what the services hold. Called once, after the server has
   * drained.
   */
  @Override
  void close();
}
