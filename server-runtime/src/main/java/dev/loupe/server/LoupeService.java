package dev.loupe.server;

import io.grpc.BindableService;
import java.util.List;

/** What a program serves: gRPC services and what they hold open. */
public interface LoupeService extends AutoCloseable {
  /** The services, in any order. */
  List<BindableService> services();

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
