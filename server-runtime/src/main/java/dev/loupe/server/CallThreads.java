package dev.loupe.server;

import dev.loupe.server.threads.NamedThreads;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.health.v1.HealthGrpc;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadPoolExecutor;

/**
 * The threads that run service methods. gRPC takes each call in on a thread that never waits, and
 * health checks are answered there, so that a busy server does not look dead. Queues are bounded by
 * the calls that may be open: gRPC hands over a call's callbacks one at a time.
 *
 * <p>Calls in which the client streams are called back on the transport's own threads. Their
 * methods must not wait, and none does: {@link dev.loupe.server.streams.BlockingCalls} gives each a
 * thread to wait on. That takes a change of threads out of every message and every sign that the
 * client is ready.
 */
final class CallThreads implements ServerCallExecutorSupplier {
  private final ThreadPoolExecutor methods;
  private final ThreadPoolExecutor intake = NamedThreads.pool("grpc-intake", 1);

  CallThreads(int threads) {
    methods = NamedThreads.pool("grpc", threads);
  }

  /** Whether a call asks for health. */
  static boolean isHealth(ServerCall<?, ?> call) {
    return HealthGrpc.SERVICE_NAME.equals(call.getMethodDescriptor().getServiceName());
  }

  /** For gRPC's own work and for calls that {@link #getExecutor} leaves there. */
  Executor intake() {
    return intake;
  }

  @Override
  public <Q, R> Executor getExecutor(ServerCall<Q, R> call, Metadata metadata) {
    if (!call.getMethodDescriptor().getType().clientSendsOneMessage()) {
      return Runnable::run;
    }
    return isHealth(call) ? intake : methods;
  }

  void close() {
    methods.shutdown();
    intake.shutdown();
  }
}
