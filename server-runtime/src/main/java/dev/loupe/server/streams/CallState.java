package dev.loupe.server.streams;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** The monitor that a call's threads wait on: its sender, its receiver and gRPC's callbacks. */
final class CallState implements ClientWait {
  static final Context.Key<ClientWait> CURRENT = Context.key("loupe-client-wait");

  // gRPC runs a call's callbacks one after another, so a handler that waits inside one never hears
  // of onReady or
  // onCancel. The conditions themselves change all the same, so waiting looks at them this often.
  private static final long LOOK_AGAIN_MILLIS = 20;

  private final ServerCallStreamObserver<?> observer;
  private int waiting;
  private long quietSince;
  private LoupeException ended;

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

  /** A message went to the client, or came from it. */
  synchronized void moved() {
    quietSince = System.nanoTime();
  }

  @Override
  public synchronized Duration silence() {
    return waiting == 0 ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - quietSince);
  }

  @Override
  public synchronized void end(LoupeException why) {
    ended = why;
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
   * cancelled or was ended.
   */
  synchronized boolean awaitOrGiveUp(BooleanSupplier condition, Duration patience) {
    throwIfOver();
    if (condition.getAsBoolean()) {
      return true;
    }
    if (waiting == 0) {
      quietSince = System.nanoTime();
    }
    waiting++;
    try {
      return awaitQuietly(condition, patience);
    } finally {
      waiting--;
    }
  }

  private boolean awaitQuietly(BooleanSupplier condition, Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
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
      throwIfOver();
    }
    return true;
  }

  private void throwIfOver() {
    throwIfCancelled();
    if (ended != null) {
      throw ended;
    }
  }
}
