package dev.loupe.inference.scheduling;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;

/**
 * The memory that requests may take together, reserved before they run. A request that waits for
 * memory holds nothing that another one needs.
 */
public final class MemoryBudget {
  private static final long LOOK_AGAIN_MILLIS = 20;

  private final long total;
  private final Duration patience;
  private long reserved;

  /**
   * A budget.
   *
   * @param total bytes, 1 or more
   * @param patience how long a request waits for others to give memory back
   */
  public MemoryBudget(long total, Duration patience) {
    this.total = total;
    this.patience = patience;
  }

  /** Memory that is held until it is closed. */
  public final class Reservation implements AutoCloseable {
    private long bytes;

    private Reservation(long bytes) {
      this.bytes = bytes;
    }

    @Override
    public void close() {
      synchronized (MemoryBudget.this) {
        reserved -= bytes;
        bytes = 0;
        MemoryBudget.this.notifyAll();
      }
    }
  }

  /** All of it, in bytes. */
  public long total() {
    return total;
  }

  /** What is reserved now, in bytes. */
  public synchronized long reserved() {
    return reserved;
  }

  /**
   * Reserves memory, waiting for it when others hold it.
   *
   * @param cost what is needed, and what would fit
   * @throws LoupeException OUT_OF_BUDGET when it can never fit, or did not in time; and what the
   *     call's liveness throws
   */
  public synchronized Reservation reserve(PassCost cost, Call call) {
    if (cost.bytes() > total) {
      throw LoupeException.of(
              ErrorReason.OUT_OF_BUDGET,
              "the request needs about %d bytes; this server gives at most %d to one: %s"
                  .formatted(cost.bytes(), total, cost.advice(total)))
          .with("bytes", cost.bytes())
          .with("limit", total);
    }
    long end = System.nanoTime() + patience.toNanos();
    while (reserved + cost.bytes() > total) {
      call.check();
      if (System.nanoTime() > end) {
        throw LoupeException.of(
                ErrorReason.OUT_OF_BUDGET,
                "the request needs about %d bytes, and others hold %d of %d; try again later"
                    .formatted(cost.bytes(), reserved, total))
            .with("bytes", cost.bytes())
            .with("limit", total);
      }
      try {
        wait(LOOK_AGAIN_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down", e);
      }
    }
    reserved += cost.bytes();
    return new Reservation(cost.bytes());
  }
}
