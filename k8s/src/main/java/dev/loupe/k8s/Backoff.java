package dev.loupe.k8s;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Waits longer after each failure in a row, with a share of chance so that many clients do not come
 * back at once.
 */
final class Backoff {
  private final Duration first;
  private final Duration most;
  private int failures;

  Backoff(Duration first, Duration most) {
    this.first = first;
    this.most = most;
  }

  /**
   * How long to wait now: twice as long as the time before, up to the most, less up to a half by
   * chance.
   */
  Duration next() {
    long doubled = first.toMillis() << Math.min(failures++, 20);
    long bound = Math.max(1, Math.min(doubled, most.toMillis()));
    return Duration.ofMillis(bound - ThreadLocalRandom.current().nextLong(bound / 2 + 1));
  }

  void reset() {
    failures = 0;
  }
}
