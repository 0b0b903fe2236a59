package dev.loupe.sae.client;

import java.time.Duration;
import java.util.function.Supplier;

/** Repeats a call while it fails for reasons that pass. */
final class Attempts {
  private static final long LOOK_AGAIN_MILLIS = 100;

  private final Patience patience;
  private final Runnable stop;

  Attempts(Patience patience, Runnable stop) {
    this.patience = patience;
    this.stop = stop;
  }

  /** The call's result; its last failure when patience ends. */
  <R> R of(Supplier<R> call) {
    long end = System.nanoTime() + patience.limit().toNanos();
    for (int attempt = 0; ; attempt++) {
      stop.run();
      try {
        return call.get();
      } catch (RuntimeException e) {
        if (!Failures.passes(e) || System.nanoTime() >= end) {
          throw e;
        }
        pause(patience.pause(attempt));
      }
    }
  }

  /** Waits, but not through a stop. */
  void pause(Duration length) {
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
