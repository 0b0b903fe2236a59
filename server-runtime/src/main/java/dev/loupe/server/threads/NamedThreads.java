package dev.loupe.server.threads;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes daemon threads with a name and a number, and bounded pools of them whose threads end when
 * they idle.
 */
public final class NamedThreads implements ThreadFactory {
  private static final long IDLE_SECONDS = 30;

  private final AtomicInteger count = new AtomicInteger();
  private final String name;

  private NamedThreads(String name) {
    this.name = name;
  }

  /** Makes daemon threads with this name and a number. */
  public static ThreadFactory named(String name) {
    return new NamedThreads(name);
  }

  /**
   * A pool that runs this many tasks at once, and queues any number: for callers that bound them
   * otherwise.
   */
  public static ThreadPoolExecutor pool(String name, int threads) {
    return pool(name, threads, new LinkedBlockingQueue<>());
  }

  /** A pool that runs this many tasks at once, queues so many, at least one, and rejects more. */
  public static ThreadPoolExecutor pool(String name, int threads, int maxQueued) {
    return pool(name, threads, new ArrayBlockingQueue<>(Math.max(1, maxQueued)));
  }

  /** A pool that runs this many tasks at once, and rejects more. */
  public static ThreadPoolExecutor poolWithoutQueue(String name, int threads) {
    return new ThreadPoolExecutor(
        0,
        threads,
        IDLE_SECONDS,
        TimeUnit.SECONDS,
        new SynchronousQueue<>(),
        new NamedThreads(name));
  }

  /** One thread that also runs tasks later; it forgets those that are cancelled. */
  public static ScheduledThreadPoolExecutor timer(String name) {
    ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, new NamedThreads(name));
    timer.setRemoveOnCancelPolicy(true);
    return timer;
  }

  private static ThreadPoolExecutor pool(String name, int threads, BlockingQueue<Runnable> queue) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, queue, new NamedThreads(name));
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  @Override
  public Thread newThread(Runnable task) {
    Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
    thread.setDaemon(true);
    return thread;
  }
}
