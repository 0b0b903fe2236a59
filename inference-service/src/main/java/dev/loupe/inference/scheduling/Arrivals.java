package dev.loupe.inference.scheduling;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/**
 * Passes that were asked for a moment ago and are not in the queue yet, because their requests are
 * still being read. Whoever has the device may wait a little for them.
 */
public final class Arrivals {
  private static final Duration LONGEST = Duration.ofMillis(10);

  /** Waiting takes this part of a pass's time at most. */
  private static final int PART = 4;

  private final long longest;
  private final Queue<Arrival> onTheirWay = new ArrayDeque<>();
  private long lastPass;

  Arrivals() {
    this(LONGEST);
  }

  /**
   * Nobody on the way.
   *
   * @param longest to wait; a request that takes longer does something else than being read
   */
  Arrivals(Duration longest) {
    this.longest = longest.toNanos();
  }

  /** A pass on its way to the queue. */
  public final class Arrival implements AutoCloseable {
    private final long since = System.nanoTime();
    private boolean over;

    private Arrival() {}

    /** It is in the queue, or will never be. */
    @Override
    public void close() {
      synchronized (Arrivals.this) {
        over = true;
        Arrivals.this.notifyAll();
      }
    }
  }

  /** Announces a pass. */
  synchronized Arrival announce() {
    forgetOld();
    Arrival arrival = new Arrival();
    onTheirWay.add(arrival);
    return arrival;
  }

  /** Tells how long a pass takes on this device. */
  synchronized void passTook(long nanos) {
    lastPass = nanos;
  }

  /** Waits while any pass is on its way, for a quarter of the last pass's time at most. */
  synchronized void await() {
    long end = System.nanoTime() + Math.min(lastPass / PART, longest);
    try {
      for (forgetOld(); !onTheirWay.isEmpty(); forgetOld()) {
        long left = end - System.nanoTime();
        if (left <= 0) {
          return;
        }
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void forgetOld() {
    long now = System.nanoTime();
    onTheirWay.removeIf(arrival -> arrival.over || now - arrival.since >= longest);
  }
}
