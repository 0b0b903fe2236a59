package dev.loupe.inference.captures;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The memory that all kept activations of a server may take together, of which a quarter is left
 * for others than the tenant that takes most, and the clock that drops them. What is kept is never
 * dropped to make room. Thread-safe.
 */
public final class CacheSpace implements AutoCloseable {
  private final long total;
  private final ScheduledThreadPoolExecutor timer;
  private final Map<String, Long> byTenant = new HashMap<>();
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
   * @throws CacheFullException when there is less left, for all or for this tenant
   */
  synchronized void take(String tenant, long bytes) {
    long share = total - total / 4 - byTenant.getOrDefault(tenant, 0L);
    long free = Math.min(total - used, share);
    if (bytes > free) {
      throw new CacheFullException(bytes, free, total);
    }
    used += bytes;
    byTenant.merge(tenant, bytes, Long::sum);
  }

  synchronized void give(String tenant, long bytes) {
    used -= bytes;
    byTenant.computeIfPresent(tenant, (name, all) -> all == bytes ? null : all - bytes);
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
