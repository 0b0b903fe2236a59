package dev.loupe.gateway;

import java.util.function.LongSupplier;

/** Waits for a count to stand still. */
final class Settled {
  private Settled() {}

  /** What a count comes to when it has not changed for a second. */
  static long value(LongSupplier count) throws InterruptedException {
    long last = -1;
    int same = 0;
    while (same < 10) {
      long now = count.getAsLong();
      same = now == last ? same + 1 : 0;
      last = now;
      Thread.sleep(100);
    }
    return last;
  }
}
