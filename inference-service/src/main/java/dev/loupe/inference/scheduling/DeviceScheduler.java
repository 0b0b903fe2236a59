package dev.loupe.inference.scheduling;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Owns the device: one turn at a time, tenants in rotation, and within a tenant first come first
 * served. A turn is held by the thread that took it. Waiting ends when the caller goes away.
 */
public final class DeviceScheduler {
  private static final long LOOK_AGAIN_MILLIS = 20;

  private final int maxWaiting;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Queue<Waiter>> byTenant = new HashMap<>();
  private final Deque<String> rotation = new ArrayDeque<>();
  private boolean busy;
  private int waiting;

  /**
   * A free device.
   *
   * @param maxWaiting requests that may wait for a turn, 1 or more
   */
  public DeviceScheduler(int maxWaiting) {
    this.maxWaiting = maxWaiting;
  }

  private static final class Waiter {
    final Condition wake;
    boolean granted;

    Waiter(Condition wake) {
      this.wake = wake;
    }
  }

  /**
   * Waits for a turn.
   *
   * @throws LoupeException QUEUE_FULL when too many wait already, and what the call's liveness
   *     throws
   */
  public DeviceTurn take(Call call) {
    await(call, true);
    return new DeviceTurn(this, call);
  }

  /** Requests that wait for a turn now. */
  public int waiting() {
    lock.lock();
    try {
      return waiting;
    } finally {
      lock.unlock();
    }
  }

  void await(Call call, boolean bounded) {
    lock.lock();
    try {
      call.check();
      if (!busy && rotation.isEmpty()) {
        busy = true;
        return;
      }
      if (bounded && waiting >= maxWaiting) {
        throw LoupeException.of(
                ErrorReason.QUEUE_FULL,
                "%d requests wait for the model already; try again later".formatted(waiting))
            .with("limit", maxWaiting);
      }
      Waiter waiter = new Waiter(lock.newCondition());
      enqueue(call.tenant(), waiter);
      try {
        while (!waiter.granted) {
          if (!waiter.wake.await(LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS) && !waiter.granted) {
            call.check();
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        giveUp(call.tenant(), waiter);
        throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down", e);
      } catch (RuntimeException e) {
        giveUp(call.tenant(), waiter);
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }

  private void enqueue(String tenant, Waiter waiter) {
    Queue<Waiter> queue = byTenant.get(tenant);
    if (queue == null) {
      queue = new ArrayDeque<>();
      byTenant.put(tenant, queue);
      rotation.addLast(tenant);
    }
    queue.add(waiter);
    waiting++;
  }

  private void giveUp(String tenant, Waiter waiter) {
    if (waiter.granted) {
      release();
      return;
    }
    Queue<Waiter> queue = byTenant.get(tenant);
    queue.remove(waiter);
    waiting--;
    if (queue.isEmpty()) {
      byTenant.remove(tenant);
      rotation.remove(tenant);
    }
  }

  /** Passes the device to the next tenant's first request. */
  void release() {
    lock.lock();
    try {
      String tenant = rotation.pollFirst();
      if (tenant == null) {
        busy = false;
        return;
      }
      Queue<Waiter> queue = byTenant.get(tenant);
      Waiter next = queue.remove();
      waiting--;
      if (queue.isEmpty()) {
        byTenant.remove(tenant);
      } else {
        rotation.addLast(tenant);
      }
      next.granted = true;
      next.wake.signal();
    } finally {
      lock.unlock();
    }
  }
}
