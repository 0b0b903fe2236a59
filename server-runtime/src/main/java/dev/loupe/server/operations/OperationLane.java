package dev.loupe.server.operations;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.threads.NamedThreads;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Operations of one kind: so many run at once, so many wait, whatever those of other kinds do.
 *
 * @see OperationRunner
 */
public final class OperationLane {
  private final String name;
  private final int maxQueued;
  private final ThreadPoolExecutor threads;
  private final AtomicInteger unfinished = new AtomicInteger();

  /**
   * @param name of the threads, and of the operations in what is said of them
   * @param threads operations that run at once, 1 or more
   * @param maxQueued operations that may wait beside those; more are refused with QUEUE_FULL
   */
  public OperationLane(String name, int threads, int maxQueued) {
    if (threads < 1) {
      throw LoupeException.invalidValue(name + " at once", threads, "1 or more");
    }
    this.name = name;
    this.maxQueued = maxQueued;
    this.threads = NamedThreads.pool(name, threads, maxQueued);
  }

  void requireRoom() {
    if (unfinished.get() >= limit()) {
      throw full();
    }
  }

  LoupeException full() {
    if (threads.isShutdown()) {
      return LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down");
    }
    return LoupeException.of(
            ErrorReason.QUEUE_FULL,
            "%d %ss run or wait already; try again when one is done"
                .formatted(unfinished.get(), name))
        .with("limit", limit());
  }

  private int limit() {
    return threads.getMaximumPoolSize() + maxQueued;
  }

  /** Runs a task when its turn comes, and says whether it will. */
  boolean submit(Runnable task) {
    unfinished.incrementAndGet();
    try {
      threads.execute(task);
      return true;
    } catch (RejectedExecutionException e) {
      unfinished.decrementAndGet();
      return false;
    }
  }

  /** Takes a task back that has not begun. */
  boolean takeBack(Runnable task) {
    return threads.remove(task);
  }

  void ended() {
    unfinished.decrementAndGet();
  }

  void shutDown() {
    threads.shutdown();
    threads.getQueue().clear();
  }

  /** Waits until nothing runs any more, interrupting what does not end by this time. */
  boolean awaitEnd(long nanoTime) throws InterruptedException {
    if (threads.awaitTermination(nanoTime - System.nanoTime(), TimeUnit.NANOSECONDS)) {
      return true;
    }
    threads.shutdownNow();
    return false;
  }

  void interrupt() {
    threads.shutdownNow();
  }
}
