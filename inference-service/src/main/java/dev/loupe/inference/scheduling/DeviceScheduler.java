package dev.loupe.inference.scheduling;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.TenantQueue;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/**
 * Owns the device: one turn at a time, tenants in rotation, and within a tenant first come first
 * served. A turn is held by the thread that took it, which may take others along. Waiting ends when
 * the caller goes away.
 */
public final class DeviceScheduler {
  private static final Duration SLICE = Duration.ofMillis(100);

  private final int maxWaiting;
  private final Duration slice;
  private final ReentrantLock lock = new ReentrantLock();
  private final TenantQueue<Waiter> queue = new TenantQueue<>();
  private boolean busy;

  /**
   * A free device.
   *
   * @param maxWaiting requests that may wait for a turn, 1 or more
   */
  public DeviceScheduler(int maxWaiting) {
    this(maxWaiting, SLICE);
  }

  /**
   * A free device.
   *
   * @param maxWaiting requests that may wait for a turn, 1 or more
   * @param slice how long a turn may last before it gives way to others where it can
   */
  DeviceScheduler(int maxWaiting, Duration slice) {
    this.maxWaiting = maxWaiting;
    this.slice = slice;
  }

  private enum State {
    WAITING,
    /** Has the device. */
    GRANTED,
    /** Another's turn does its work. */
    TAKEN_ALONG,
    SERVED
  }

  /** A request in the queue. */
  private static final class Waiter {
    final Condition wake;
    final Passenger passenger;
    State state = State.WAITING;

    Waiter(Condition wake, Passenger passenger) {
      this.wake = wake;
      this.passenger = passenger;
    }
  }

  /** Work that the holder of a turn may do for the request that brought it. */
  interface Passenger {
    /** Told, under the scheduler's lock, that it waits or has the device. */
    void queued();
  }

  /** Those who were taken along on one turn. */
  final class Company {
    private final List<Waiter> waiters;

    private Company(List<Waiter> waiters) {
      this.waiters = waiters;
    }

    /** Their work, in the order taken. */
    List<Passenger> passengers() {
      return waiters.stream().map(waiter -> waiter.passenger).toList();
    }

    /** Lets their threads go on. */
    void serve() {
      lock.lock();
      try {
        for (Waiter waiter : waiters) {
          waiter.state = State.SERVED;
          waiter.wake.signal();
        }
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * Waits for a turn.
   *
   * @throws LoupeException QUEUE_FULL when too many wait already, and what the call's liveness
   *     throws
   */
  public DeviceTurn take(Call call) {
    await(call, true, null);
    return new DeviceTurn(this, call);
  }

  /** Waits for a turn, queue full or not: work that has begun is not refused. */
  DeviceTurn takeAgain(Call call) {
    await(call, false, null);
    return new DeviceTurn(this, call);
  }

  /**
   * Waits for a turn, or for another's turn on which the work was done. Once it is taken along it
   * waits until that turn has served it, whether the caller is still there or not.
   *
   * @return empty when the work was taken along
   * @throws LoupeException as {@link #take} does
   */
  Optional<DeviceTurn> takeOrRide(Call call, Passenger passenger) {
    return await(call, true, passenger)
        ? Optional.of(new DeviceTurn(this, call))
        : Optional.empty();
  }

  /** Takes along those that wait and are accepted. To be called by the holder of the turn. */
  Company takeAlong(Predicate<Passenger> accepted) {
    lock.lock();
    try {
      List<Waiter> taken =
          queue.take(waiter -> waiter.passenger != null && accepted.test(waiter.passenger));
      taken.forEach(waiter -> waiter.state = State.TAKEN_ALONG);
      return new Company(taken);
    } finally {
      lock.unlock();
    }
  }

  /** Requests that wait for a turn now. */
  public int waiting() {
    lock.lock();
    try {
      return queue.size();
    } finally {
      lock.unlock();
    }
  }

  /** How long a turn may last before it gives way where it can. */
  Duration slice() {
    return slice;
  }

  /** Waits; true when the device was granted, false when the work was taken along. */
  boolean await(Call call, boolean bounded, Passenger passenger) {
    lock.lock();
    try {
      call.check();
      if (!busy) {
        busy = true;
        if (passenger != null) {
          passenger.queued();
        }
        return true;
      }
      if (bounded && queue.size() >= maxWaiting) {
        throw LoupeException.of(
                ErrorReason.QUEUE_FULL,
                "%d requests wait for the model already; try again later".formatted(queue.size()))
            .with("limit", maxWaiting);
      }
      return await(call, new Waiter(lock.newCondition(), passenger));
    } finally {
      lock.unlock();
    }
  }

  private boolean await(Call call, Waiter waiter) {
    queue.add(call.tenant(), waiter);
    if (waiter.passenger != null) {
      waiter.passenger.queued();
    }
    Runnable wake = () -> wake(waiter);
    call.departure().listen(wake);
    try {
      while (waiter.state == State.WAITING) {
        call.check();
        waiter.wake.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      if (waiter.state != State.TAKEN_ALONG && waiter.state != State.SERVED) {
        giveUp(call.tenant(), waiter);
        throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down", e);
      }
    } catch (RuntimeException e) {
      giveUp(call.tenant(), waiter);
      throw e;
    } finally {
      call.departure().ignore(wake);
    }
    // What is taken along works with this request's arrays: they must stay until it is served.
    while (waiter.state == State.TAKEN_ALONG) {
      waiter.wake.awaitUninterruptibly();
    }
    return waiter.state == State.GRANTED;
  }

  private void wake(Waiter waiter) {
    lock.lock();
    try {
      waiter.wake.signal();
    } finally {
      lock.unlock();
    }
  }

  private void giveUp(String tenant, Waiter waiter) {
    if (waiter.state == State.GRANTED) {
      release();
    } else {
      queue.remove(tenant, waiter);
    }
  }

  /** Passes the device to the next tenant's first request. */
  void release() {
    lock.lock();
    try {
      Waiter next = queue.poll();
      if (next == null) {
        busy = false;
        return;
      }
      next.state = State.GRANTED;
      next.wake.signal();
    } finally {
      lock.unlock();
    }
  }
}
