package dev.loupe.server;

import io.grpc.BindableService;
import java.util.List;

/** What a program serves: gRPC services and what they hold open. */
public interface LoupeService extends AutoCloseable {
  /** The services, in any order. */
  List<BindableService> services();

  /**
   * Ends background work and closes what the services hold. Called once, after the server has
   * drained.
   */
  @Override
  void close();
}
