package dev.loupe.gateway.http;

import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.InternalServer;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.services.ProtoReflectionService;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * gRPC reflection, in its current version and in the one before that many tools still speak.
 * grpc-java reflects on the server that runs a call, of which Armeria has none, so a list of
 * services stands in.
 */
final class Reflection implements ServerInterceptor {
  private final Server listed;

  private Reflection(List<ServerServiceDefinition> services) {
    this.listed = new ListedServices(services);
  }

  /** The reflection services over these services and themselves. */
  @SuppressWarnings("deprecation") // The old version is served on purpose.
  static List<ServerServiceDefinition> over(List<ServerServiceDefinition> services) {
    BindableService current = ProtoReflectionServiceV1.newInstance();
    BindableService old = ProtoReflectionService.newInstance();
    List<ServerServiceDefinition> all =
        Stream.concat(services.stream(), Stream.of(current.bindService(), old.bindService()))
            .toList();
    Reflection reflection = new Reflection(all);
    return List.of(
        ServerInterceptors.intercept(current, reflection),
        ServerInterceptors.intercept(old, reflection));
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    Context context = Context.current().withValue(InternalServer.SERVER_CONTEXT_KEY, listed);
    return Contexts.interceptCall(context, call, headers, next);
  }

  /** Answers what it serves, and does nothing else. */
  private static final class ListedServices extends Server {
    private final List<ServerServiceDefinition> services;

    ListedServices(List<ServerServiceDefinition> services) {
      this.services = services;
    }

    @Override
    public List<ServerServiceDefinition> getServices() {
      return services;
    }

    @Override
    public List<ServerServiceDefinition> getImmutableServices() {
      return services;
    }

    @Override
    public List<ServerServiceDefinition> getMutableServices() {
      return List.of();
    }

    @Override
    public Server start() {
      return this;
    }

    @Override
    public Server shutdown() {
      return this;
    }

    @Override
    public Server shutdownNow() {
      return this;
    }

    @Override
    public boolean isShutdown() {
      return false;
    }

    @Override
    public boolean isTerminated() {
      return false;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return false;
    }

    @Override
    public void awaitTermination() {}
  }
}
