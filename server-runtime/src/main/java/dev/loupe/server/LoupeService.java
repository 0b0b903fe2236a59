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
   * Whether the service can do its work now: looks at what it needs, such as its database. Asked
   * every few seconds, on a thread of its own; must come back within {@link HealthWatch#LIMIT}.
   * What it throws counts as a problem.
   */
  default ServiceHealth check() {
    return ServiceHealth.GOOD;
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
