package dev.loupe.server.sharing;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The memory that requests may take together, reserved before they run. A request that waits for
 * memory holds nothing that another one needs. Tenants get it in rotation; a request that is too
 * large for what is free lets smaller ones pass, but not without end.
 */
public final class MemoryBudget {
  private static final int MOST_OVERTAKEN = 32;

  /** Not every claimant tells that it went away. */
  private static final long LOOK_AGAIN_NANOS = 250_000_000;

  private final long total;
  private final Duration patience;
  private final ReentrantLock lock = new ReentrantLock();
  private final TenantQueue<Waiter> queue = new TenantQueue<>();
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

  private static final class Waiter {
    final Condition wake;
    final long bytes;
    boolean granted;
    int overtaken;

    Waiter(Condition wake, long bytes) {
      this.wake = wake;
      this.bytes = bytes;
    }
  }

  /** Memory that is held until it is closed. */
  public final class Reservation implements AutoCloseable {
    private long bytes;

    private Reservation(long bytes) {
      this.bytes = bytes;
    }

    @Override
    public void close() {
      giveBack(this);
    }
  }

  /** All of it, in bytes. */
  public long total() {
    return total;
  }

  /** What is reserved now, in bytes. */
  public long reserved() {
    lock.lock();
    try {
      return reserved;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Reserves memory, waiting for it when others hold it.
   *
   * @param need what is needed, and what would fit
   * @throws LoupeException OUT_OF_BUDGET when it can never fit, or did not in time (then it says
   *     when to try again); and what the claimant's check throws
   */
  public Reservation reserve(MemoryNeed need, Claimant claimant) {
    long bytes = need.bytes();
    if (bytes > total) {
      throw LoupeException.of(
              ErrorReason.OUT_OF_BUDGET,
              "the request needs about %d bytes; this server gives at most %d to one: %s"
                  .formatted(bytes, total, need.advice(total)))
          .with("bytes", bytes)
          .with("limit", total);
    }
    lock.lock();
    try {
      if (queue.size() > 0 || reserved + bytes > total) {
        await(need, claimant);
      } else {
        reserved += bytes;
      }
      return new Reservation(bytes);
    } finally {
      lock.unlock();
    }
  }

  /** Reserves memory if it is free now and nobody waits for it. */
  public Optional<Reservation> tryReserve(long bytes) {
    lock.lock();
    try {
      if (queue.size() > 0 || reserved + bytes > total) {
        return Optional.empty();
      }
      reserved += bytes;
      return Optional.of(new Reservation(bytes));
    } finally {
      lock.unlock();
    }
  }

  private void await(MemoryNeed need, Claimant claimant) {
    Waiter waiter = new Waiter(lock.newCondition(), need.bytes());
    queue.add(claimant.tenant(), waiter);
    Runnable wake = () -> wake(waiter);
    claimant.departure().listen(wake);
    long left = patience.toNanos();
    try {
      grant();
      while (!waiter.granted) {
        claimant.check();
        if (left <= 0) {
          throw LoupeException.of(
                  ErrorReason.OUT_OF_BUDGET,
                  "the request needs about %d bytes, and others hold %d of %d; try again later, or %s"
                      .formatted(need.bytes(), reserved, total, need.advice(total - reserved)))
              .with("bytes", need.bytes())
              .with("limit", total)
              .retryAfter(patience);
        }
        long begun = System.nanoTime();
        waiter.wake.awaitNanos(Math.min(left, LOOK_AGAIN_NANOS));
        left -= System.nanoTime() - begun;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      giveUp(claimant, waiter);
      throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down", e);
    } catch (RuntimeException e) {
      giveUp(claimant, waiter);
      throw e;
    } finally {
      claimant.departure().ignore(wake);
    }
  }

  private void wake(Waiter waiter) {
    lock.lock();
    try {
      waiter.wake.signal();
    } finally {
      lock.unlock();
    }
  }

  private void giveUp(Claimant claimant, Waiter waiter) {
    if (waiter.granted) {
      reserved -= waiter.bytes;
    } else {
      queue.remove(claimant.tenant(), waiter);
    }
    grant();
  }

  private void giveBack(Reservation reservation) {
    lock.lock();
    try {
      reserved -= reservation.bytes;
      reservation.bytes = 0;
      grant();
    } finally {
      lock.unlock();
    }
  }

  /** Gives free memory to those that wait. */
  private void grant() {
    List<Waiter> passedBy = new ArrayList<>();
    queue.take(
        waiter -> {
          if (passedBy.stream().anyMatch(other -> other.overtaken >= MOST_OVERTAKEN)) {
            return false;
          }
          if (reserved + waiter.bytes > total) {
            passedBy.add(waiter);
            return false;
          }
          reserved += waiter.bytes;
          waiter.granted = true;
          waiter.wake.signal();
          passedBy.forEach(other -> other.overtaken++);
          return true;
        });
  }
}
