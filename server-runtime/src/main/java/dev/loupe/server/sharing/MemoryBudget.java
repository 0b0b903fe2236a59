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
 *
 * <p>What one tenant's calls hold together stays within a share, so that others find some; one call
 * alone may have it all. Calls that hold memory only because their clients are silent give it back
 * when another tenant asks that would hold less than theirs does.
 */
public final class MemoryBudget {
  private static final int MOST_OVERTAKEN = 32;

  /** How long a client may be silent before its call gives way. */
  private static final Duration SILENCE = Duration.ofSeconds(5);

  /** Silence grows, and not every claimant tells that it went away. */
  private static final long LOOK_AGAIN_NANOS = 250_000_000;

  private final long total;
  private final long share;
  private final Duration patience;
  private final Duration silence;
  private final ReentrantLock lock = new ReentrantLock();
  private final TenantQueue<Waiter> queue = new TenantQueue<>();
  private final Holdings holdings = new Holdings();
  private long reserved;

  /**
   * A budget of which one tenant may have all.
   *
   * @param total bytes, 1 or more
   * @param patience how long a request waits for others to give memory back
   */
  public MemoryBudget(long total, Duration patience) {
    this(total, total, patience);
  }

  /**
   * A budget.
   *
   * @param total bytes, 1 or more
   * @param share bytes that the calls of one tenant may hold together
   * @param patience how long a request waits for others to give memory back
   */
  public MemoryBudget(long total, long share, Duration patience) {
    this(total, share, patience, SILENCE);
  }

  /**
   * A budget.
   *
   * @param total bytes, 1 or more
   * @param share bytes that the calls of one tenant may hold together
   * @param patience how long a request waits for others to give memory back
   * @param silence how long a client may be silent before its call gives way to another tenant's
   */
  public MemoryBudget(long total, long share, Duration patience, Duration silence) {
    this.total = total;
    this.share = share;
    this.patience = patience;
    this.silence = silence;
  }

  private static final class Waiter {
    final Condition wake;
    final Claimant claimant;
    final long bytes;
    Reservation granted;
    int overtaken;

    Waiter(Condition wake, Claimant claimant, long bytes) {
      this.wake = wake;
      this.claimant = claimant;
      this.bytes = bytes;
    }
  }

  /** Memory that is held until it is closed. */
  public final class Reservation implements AutoCloseable {
    private Holdings.Holding holding;
    private long bytes;

    private Reservation(Holdings.Holding holding, long bytes) {
      this.holding = holding;
      this.bytes = bytes;
    }

    /** Gives back all but this much; it never grows. */
    public void shrinkTo(long most) {
      lock.lock();
      try {
        giveBack(this, most);
        grant();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      shrinkTo(0);
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
    requireFits(need);
    long bytes = need.bytes();
    lock.lock();
    try {
      boolean free = queue.size() == 0 && reserved + bytes <= total;
      return free && isShared(claimant, bytes) ? hold(claimant, bytes) : await(need, claimant);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Fails where memory could never be reserved, whatever others hold.
   *
   * @throws LoupeException OUT_OF_BUDGET, which says what would fit
   */
  public void requireFits(MemoryNeed need) {
    if (need.bytes() > total) {
      throw LoupeException.of(
              ErrorReason.OUT_OF_BUDGET,
              "the request needs about %d bytes; this server gives at most %d to one: %s"
                  .formatted(need.bytes(), total, need.advice(total)))
          .with("bytes", need.bytes())
          .with("limit", total);
    }
  }

  /** Reserves memory if it is free now, within its tenant's share, and nobody waits for it. */
  public Optional<Reservation> tryReserve(long bytes, Claimant claimant) {
    lock.lock();
    try {
      return holdings.of(claimant.tenant()) + bytes > share
          ? Optional.empty()
          : tryHold(claimant, bytes);
    } finally {
      lock.unlock();
    }
  }

  /** Reserves memory for work that several share, if it is free now and nobody waits for it. */
  public Optional<Reservation> tryReserve(long bytes) {
    lock.lock();
    try {
      return tryHold(null, bytes);
    } finally {
      lock.unlock();
    }
  }

  private Optional<Reservation> tryHold(Claimant claimant, long bytes) {
    return queue.size() > 0 || reserved + bytes > total
        ? Optional.empty()
        : Optional.of(hold(claimant, bytes));
  }

  /** Within the tenant's share, or all that the tenant has: one call may be as large as it must. */
  private boolean isShared(Claimant claimant, long bytes) {
    return share == total
        || holdings.of(claimant.tenant()) + bytes <= share
        || holdings.areAllOf(claimant);
  }

  private Reservation hold(Claimant claimant, long bytes) {
    reserved += bytes;
    if (claimant == null) {
      return new Reservation(null, bytes);
    }
    Holdings.Holding holding = new Holdings.Holding(claimant, bytes);
    holdings.add(holding);
    return new Reservation(holding, bytes);
  }

  /** Leaves this much of it. */
  private void giveBack(Reservation reservation, long kept) {
    long left = Math.min(kept, reservation.bytes);
    if (reservation.bytes > 0 && reservation.holding != null) {
      holdings.remove(reservation.holding);
      reservation.holding = new Holdings.Holding(reservation.holding.claimant, left);
      if (left > 0) {
        holdings.add(reservation.holding);
      }
    }
    reserved -= reservation.bytes - left;
    reservation.bytes = left;
  }

  private Reservation await(MemoryNeed need, Claimant claimant) {
    Waiter waiter = new Waiter(lock.newCondition(), claimant, need.bytes());
    queue.add(claimant.tenant(), waiter);
    Runnable wake = () -> wake(waiter);
    claimant.departure().listen(wake);
    long left = patience.toNanos();
    try {
      grant();
      while (waiter.granted == null) {
        claimant.check();
        if (left <= 0) {
          throw late(need, claimant);
        }
        if (isShared(claimant, waiter.bytes)) {
          dismissSilent(waiter);
        }
        long begun = System.nanoTime();
        waiter.wake.awaitNanos(Math.min(left, LOOK_AGAIN_NANOS));
        left -= System.nanoTime() - begun;
      }
      return waiter.granted;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      giveUp(waiter);
      throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down", e);
    } catch (RuntimeException e) {
      giveUp(waiter);
      throw e;
    } finally {
      claimant.departure().ignore(wake);
    }
  }

  private LoupeException late(MemoryNeed need, Claimant claimant) {
    long held = holdings.of(claimant.tenant());
    boolean own = !isShared(claimant, need.bytes());
    String holders =
        own
            ? "your other calls hold %d of the %d that one tenant may have".formatted(held, share)
            : "others hold %d of %d".formatted(reserved, total);
    long free = Math.max(0, own ? share - held : total - reserved);
    return LoupeException.of(
            ErrorReason.OUT_OF_BUDGET,
            "the request needs about %d bytes, and %s; try again later, or %s"
                .formatted(need.bytes(), holders, need.advice(free)))
        .with("bytes", need.bytes())
        .with("limit", own ? share : total)
        .retryAfter(patience);
  }

  /** Asks calls for their memory that hold it only because their clients are silent. */
  private void dismissSilent(Waiter waiter) {
    String tenant = waiter.claimant.tenant();
    long most = holdings.of(tenant) + waiter.bytes;
    long missing = reserved - holdings.dismissed() + waiter.bytes - total;
    for (Holdings.Silent found : holdings.dismissSilent(tenant, silence, most, missing)) {
      Holdings.Holding holding = found.holding();
      holding.claimant.dismiss(
          LoupeException.of(
                  ErrorReason.OUT_OF_BUDGET,
                  "the client was silent for %d s while another tenant waited for the %d bytes of memory that this call held; answer and read sooner, or hold less"
                      .formatted(found.silence().toSeconds(), holding.bytes))
              .with("bytes", holding.bytes)
              .retryAfter(patience));
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

  private void giveUp(Waiter waiter) {
    if (waiter.granted != null) {
      giveBack(waiter.granted, 0);
    } else {
      queue.remove(waiter.claimant.tenant(), waiter);
    }
    grant();
  }

  /** Gives free memory to those that wait. */
  private void grant() {
    List<Waiter> passedBy = new ArrayList<>();
    queue.take(
        waiter -> {
          if (passedBy.stream().anyMatch(other -> other.overtaken >= MOST_OVERTAKEN)) {
            return false;
          }
          if (!isShared(waiter.claimant, waiter.bytes)) {
            // Its own tenant's calls keep it waiting, so others pass as they like.
            return false;
          }
          if (reserved + waiter.bytes > total) {
            passedBy.add(waiter);
            return false;
          }
          waiter.granted = hold(waiter.claimant, waiter.bytes);
          waiter.wake.signal();
          passedBy.forEach(other -> other.overtaken++);
          return true;
        });
  }
}
