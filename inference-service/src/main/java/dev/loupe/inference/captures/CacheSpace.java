package dev.loupe.inference.captures;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The memory that all kept activations of a server may take together, and the clock that drops
 * them. What is kept is never dropped to make room. Thread-safe.
 */
public final class CacheSpace implements AutoCloseable {
  private final long total;
  private final ScheduledThreadPoolExecutor timer;
  private long used;

  /**
   * An empty space.
   *
   * @param total bytes
   */
  public CacheSpace(long total) {
    this.total = total;
    this.timer =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "activation-cache-expiry");
              thread.setDaemon(true);
              return thread;
            });
    timer.setRemoveOnCancelPolicy(true);
  }

  /** All of it, in bytes. */
  public long total() {
    return total;
  }

  /** What is taken now, in bytes. */
  public synchronized long used() {
    return used;
  }

  /**
   * Takes room.
   *
   * @throws CacheFullException when there is less left
   */
  synchronized void take(long bytes) {
    if (bytes > total - used) {
      throw new CacheFullException(bytes, total - used, total);
    }
    used += bytes;
  }

  synchronized void give(long bytes) {
    used -= bytes;
  }

  Future<?> after(Duration time, Runnable task) {
    return timer.schedule(task, time.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Stops the clock; the caches themselves are closed by their owners. */
  @Override
  public void close() {
    timer.shutdownNow();
  }
}
