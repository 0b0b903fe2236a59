package dev.loupe.server.testing;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits for what other threads bring about. */
public final class Eventually {
  private Eventually() {}

  /** Fails after 20 seconds. */
  public static void waitUntil(String what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("this did not come about: " + what);
      }
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }
}
