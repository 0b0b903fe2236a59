package dev.loupe.inference.serving;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** One load, and those who wait for it. */
public final class ModelLoad implements LoadWatcher {
  /**
   * Where a load is.
   *
   * @param step in words, such as {@code reading the weights}
   * @param done bytes of it that are done
   * @param total bytes of it in all, 0 when not known
   */
  public record Progress(String step, long done, long total) {}

  private final ModelSpec spec;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private Progress progress = new Progress("waiting for its turn", 0, 0);
  private int watchers;
  private boolean abandoned;
  private ServedModel model;
  private Throwable failure;

  ModelLoad(ModelSpec spec) {
    this.spec = spec;
  }

  static ModelLoad done(ServedModel model) {
    ModelLoad load = new ModelLoad(model.spec());
    load.model = model;
    return load;
  }

  /** One of those who wait for a load. For one thread. */
  public final class Watch implements AutoCloseable {
    private Progress seen;
    private Runnable listener = () -> {};
    private boolean closed;

    /**
     * Runs this, which must be quick, whenever there may be something new: for those that ask with
     * no patience instead of waiting.
     */
    public Watch onChange(Runnable changed) {
      listeners.remove(listener);
      listener = changed;
      listeners.add(changed);
      return this;
    }

    /**
     * Waits until there is something new, or for this time.
     *
     * @return the newest progress that was not given yet; empty when there is none, or when the
     *     load is over
     */
    public Optional<Progress> next(Duration patience) throws InterruptedException {
      synchronized (ModelLoad.this) {
        long end = System.nanoTime() + patience.toNanos();
        while (!isOver() && progress.equals(seen)) {
          long left = end - System.nanoTime();
          if (left <= 0) {
            return Optional.empty();
          }
          TimeUnit.NANOSECONDS.timedWait(ModelLoad.this, left);
        }
        seen = progress;
        return isOver() ? Optional.empty() : Optional.of(progress);
      }
    }

    /**
     * The model, once it serves.
     *
     * @throws RuntimeException what made the load fail
     */
    public Optional<ServedModel> model() {
      synchronized (ModelLoad.this) {
        if (failure instanceof Error error) {
          throw error;
        }
        if (failure != null) {
          throw (RuntimeException) failure;
        }
        return Optional.ofNullable(model);
      }
    }

    /** Waits no more. A load for which nobody waits ends. */
    @Override
    public void close() {
      synchronized (ModelLoad.this) {
        if (!closed) {
          closed = true;
          listeners.remove(listener);
          watchers--;
          abandoned |= watchers == 0;
        }
      }
    }
  }

  private void tell() {
    notifyAll();
    listeners.forEach(Runnable::run);
  }

  ModelSpec spec() {
    return spec;
  }

  synchronized Watch watch() {
    watchers++;
    return new Watch();
  }

  /** Watches a load that others began; empty when the last of them has gone. */
  synchronized Optional<Watch> join() {
    return abandoned ? Optional.empty() : Optional.of(watch());
  }

  synchronized void abandon() {
    abandoned = true;
  }

  synchronized boolean isAbandoned() {
    return abandoned;
  }

  @Override
  public synchronized void onStep(String step, long done, long total) {
    if (abandoned) {
      throw LoupeException.of(
          ErrorReason.CALL_CANCELLED, "nobody waits for model " + spec.id() + " any more");
    }
    progress = new Progress(step, done, total);
    tell();
  }

  synchronized void finish(ServedModel loaded, Runnable first) {
    first.run();
    model = loaded;
    tell();
  }

  synchronized void fail(Throwable e) {
    failure = e;
    tell();
  }

  private boolean isOver() {
    return model != null || failure != null;
  }
}
