package dev.loupe.server.streams;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** The monitor that a call's threads wait on: its sender, its receiver and gRPC's callbacks. */
final class CallState {
  // gRPC runs a call's callbacks one after another, so a handler that waits inside one never hears
  // of onReady or
  // onCancel. The conditions themselves change all the same, so waiting looks at them this often.
  private static final long LOOK_AGAIN_MILLIS = 20;

  private final ServerCallStreamObserver<?> observer;

  CallState(ServerCallStreamObserver<?> observer) {
    this.observer = observer;
  }

  boolean isCancelled() {
    return observer.isCancelled();
  }

  void throwIfCancelled() {
    if (isCancelled()) {
      throw LoupeException.of(ErrorReason.CALL_CANCELLED, "the client went away");
    }
  }

  synchronized void changed() {
    notifyAll();
  }

  /**
   * Waits until the condition holds. Throws if the call is cancelled or the patience ends before.
   */
  void await(BooleanSupplier condition, Duration patience, Supplier<LoupeException> late) {
    if (!awaitOrGiveUp(condition, patience)) {
      throw late.get();
    }
  }

  /**
   * Waits until the condition holds (true) or the patience ends (false). Throws if the call is
   * cancelled.
   */
  synchronized boolean awaitOrGiveUp(BooleanSupplier condition, Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    throwIfCancelled();
    while (!condition.getAsBoolean()) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      try {
        wait(Math.min(LOOK_AGAIN_MILLIS, 1 + left / 1_000_000));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down", e);
      }
      throwIfCancelled();
    }
    return true;
  }
}
