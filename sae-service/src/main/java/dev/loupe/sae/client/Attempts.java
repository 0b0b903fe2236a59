package dev.loupe.sae.client;

import dev.loupe.server.errors.LoupeErrors;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.function.Supplier;

/** Repeats a call while it fails for reasons that pass. */
final class Attempts {
  private static final long LOOK_AGAIN_MILLIS = 100;

  private final Patience patience;
  private final Runnable stop;
  private final ManagedChannel channel;

  Attempts(Patience patience, Runnable stop, ManagedChannel channel) {
    this.patience = patience;
    this.stop = stop;
    this.channel = channel;
  }

  /** The call's result; its last failure when patience ends. */
  <R> R of(Supplier<R> call) {
    long end = System.nanoTime() + patience.limit().toNanos();
    for (int attempt = 0; ; attempt++) {
      stop.run();
      try {
        return call.get();
      } catch (RuntimeException e) {
        if (!LoupeErrors.passes(e) || System.nanoTime() >= end) {
          throw e;
        }
        pauseAfter(e, attempt);
      }
    }
  }

  /**
   * Waits for as long as this attempt's number and its failure ask, then lets the channel connect
   * at once: left to itself it may wait for minutes after a service is back.
   */
  void pauseAfter(Throwable failure, int attempt) {
    pause(patience.pause(attempt, LoupeErrors.retryAfter(failure).orElse(Duration.ZERO)));
    channel.resetConnectBackoff();
  }

  /** Waits, but not through a stop. */
  private void pause(Duration length) {
    long end = System.nanoTime() + length.toNanos();
    while (true) {
      stop.run();
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return;
      }
      try {
        Thread.sleep(Math.min(left, LOOK_AGAIN_MILLIS));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for a service", e);
      }
    }
  }
}
