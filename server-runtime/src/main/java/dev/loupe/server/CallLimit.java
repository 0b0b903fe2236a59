package dev.loupe.server;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Bounds the calls that a server has open at once, over all connections; refuses more with
 * QUEUE_FULL.
 */
public final class CallLimit implements ServerInterceptor {
  private final int limit;
  private final Semaphore free;

  /** At most this many. */
  public CallLimit(int limit) {
    this.limit = limit;
    this.free = new Semaphore(limit);
  }

  /** Calls that are open now. */
  public int open() {
    return limit - free.availablePermits();
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    if (CallThreads.isHealth(call)) {
      return next.startCall(call, headers);
    }
    if (!free.tryAcquire()) {
      StatusRuntimeException refused =
          LoupeErrors.toStatusException(
              LoupeException.of(
                      ErrorReason.QUEUE_FULL, limit + " calls are open already; try again later")
                  .with("limit", limit));
      call.close(refused.getStatus(), refused.getTrailers());
      return new ServerCall.Listener<>() {};
    }
    AtomicBoolean held = new AtomicBoolean(true);
    Runnable release =
        () -> {
          if (held.compareAndSet(true, false)) {
            free.release();
          }
        };
    ServerCall.Listener<Q> listener;
    try {
      listener = next.startCall(call, headers);
    } catch (Throwable t) {
      release.run();
      throw t;
    }
    return new SimpleForwardingServerCallListener<>(listener) {
      @Override
      public void onCancel() {
        release.run();
        super.onCancel();
      }

      @Override
      public void onComplete() {
        release.run();
        super.onComplete();
      }
    };
  }
}
