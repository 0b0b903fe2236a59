package dev.loupe.tensor;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The thread that does the heavy work of the engine, whoever asks for it. The engine's parallel
 * loops keep workers, and its matrix products buffers, for every thread that ever called them; with
 * more workers than cores they sleep between any two loops. While work is paused another thread
 * takes its place, and ends afterwards.
 */
public final class EngineThreads {
  private final ThreadPoolExecutor threads =
      new ThreadPoolExecutor(
          1,
          Integer.MAX_VALUE,
          0,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(),
          task -> {
            Thread thread = new Thread(task, "engine");
            thread.setDaemon(true);
            return thread;
          });
  private int paused;

  EngineThreads() {}

  /**
   * Does work on the thread, after all that was given to it before, and waits for its end whatever
   * happens, since the work uses the caller's arrays. What it throws is thrown here; an interrupt
   * is handed on to it. To be called from other threads only.
   */
  public <T> T run(Supplier<T> work) {
    Task<T> task = new Task<>(work);
    threads.execute(task);
    return task.result();
  }

  /** Waits for something in the middle of work, while other work may be done. */
  public <T> T pause(Supplier<T> wait) {
    changePaused(1);
    try {
      return wait.get();
    } finally {
      changePaused(-1);
    }
  }

  private synchronized void changePaused(int by) {
    paused += by;
    threads.setCorePoolSize(1 + paused);
  }

  /** Work that another thread waits for. */
  private static final class Task<T> implements Runnable {
    private final Supplier<T> work;
    private final CountDownLatch done = new CountDownLatch(1);
    private Thread runner;
    private boolean interrupted;
    private T result;
    private Throwable failure;

    Task(Supplier<T> work) {
      this.work = work;
    }

    @Override
    public void run() {
      begin();
      try {
        result = work.get();
      } catch (RuntimeException | Error e) {
        failure = e;
      } finally {
        end();
        done.countDown();
      }
    }

    private synchronized void begin() {
      runner = Thread.currentThread();
      if (interrupted) {
        runner.interrupt();
      }
    }

    private synchronized void end() {
      runner = null;
    }

    private synchronized void interrupt() {
      interrupted = true;
      if (runner != null) {
        runner.interrupt();
      }
    }

    T result() {
      awaitEnd();
      if (failure instanceof Error error) {
        throw error;
      }
      if (failure != null) {
        throw (RuntimeException) failure;
      }
      return result;
    }

    private void awaitEnd() {
      boolean wasInterrupted = false;
      while (true) {
        try {
          done.await();
          break;
        } catch (InterruptedException e) {
          wasInterrupted = true;
          interrupt();
        }
      }
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
