package dev.loupe.server.streams;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.threads.NamedThreads;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers calls that follow something for as long as it lasts. None holds a thread: one thread in
 * all looks at what has changed, and sends to clients that have room. A slow client sees fewer
 * states, never a backlog. A call beyond the bound is refused with RESOURCE_EXHAUSTED (QUEUE_FULL).
 */
public final class WatchingCalls implements AutoCloseable {
  /**
   * What a call follows. Called by one thread at a time; never waits.
   *
   * @param <R> the responses
   */
  public interface Followed<R> extends AutoCloseable {
    /**
     * The next response; empty when there is nothing new.
     *
     * @throws RuntimeException to end the call with it
     */
    Optional<R> next();

    /** Whether the last response was given. */
    boolean isFinished();

    /** Called once, when the call has ended or its client is gone. */
    @Override
    void close();
  }

  private static final Logger log = LoggerFactory.getLogger(WatchingCalls.class);

  /** Half of the calls that a server has open at once, unless said. */
  private static final int DEFAULT_MAX_CALLS = 512;

  private final int maxCalls;
  private final Semaphore free;
  private final ScheduledThreadPoolExecutor thread;

  /** At most 512 calls at once. */
  public WatchingCalls(String name) {
    this(name, DEFAULT_MAX_CALLS);
  }

  /**
   * @param name of the thread
   * @param maxCalls that may be open at once, 1 or more
   */
  public WatchingCalls(String name, int maxCalls) {
    this.maxCalls = maxCalls;
    this.free = new Semaphore(maxCalls);
    this.thread = NamedThreads.timer(name);
  }

  /**
   * Answers a call; to be called in the service method.
   *
   * @param open begins to follow; gets what is to be run, on any thread, whenever there may be
   *     something new
   * @throws RuntimeException what {@code open} throws
   */
  public <R> void follow(StreamObserver<R> responses, Function<Runnable, Followed<R>> open) {
    follow(responses, Optional.empty(), open);
  }

  /** The same, for what is also to be looked at once this time has passed. */
  public <R> void follow(
      StreamObserver<R> responses, Duration patience, Function<Runnable, Followed<R>> open) {
    follow(responses, Optional.of(patience), open);
  }

  private <R> void follow(
      StreamObserver<R> responses,
      Optional<Duration> patience,
      Function<Runnable, Followed<R>> open) {
    if (!free.tryAcquire()) {
      throw LoupeException.of(
              ErrorReason.QUEUE_FULL, maxCalls + " calls wait already; try again later")
          .with("limit", maxCalls);
    }
    Call<R> call = new Call<>((ServerCallStreamObserver<R>) responses);
    try {
      call.begin(open, patience);
    } catch (Throwable t) {
      call.release();
      throw t;
    }
  }

  /** Calls that are open now. */
  public int open() {
    return maxCalls - free.availablePermits();
  }

  /** Looks no more: for when the server has drained. */
  @Override
  public void close() {
    thread.shutdownNow();
  }

  private final class Call<R> {
    private final ServerCallStreamObserver<R> observer;
    private final AtomicBoolean looking = new AtomicBoolean();
    private final AtomicBoolean released = new AtomicBoolean();
    private Followed<R> followed;
    private Future<?> alarm;
    private boolean ended;

    Call(ServerCallStreamObserver<R> observer) {
      this.observer = observer;
      observer.setOnReadyHandler(this::changed);
      observer.setOnCancelHandler(this::changed);
    }

    synchronized void begin(Function<Runnable, Followed<R>> open, Optional<Duration> patience) {
      followed = open.apply(this::changed);
      patience.ifPresent(
          time -> alarm = thread.schedule(this::changed, time.toNanos(), TimeUnit.NANOSECONDS));
      changed();
    }

    /** Has the thread look, once for all that changes until it does. */
    private void changed() {
      if (looking.compareAndSet(false, true)) {
        try {
          thread.execute(this::look);
        } catch (RejectedExecutionException e) {
          fail(LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down", e));
        }
      }
    }

    private synchronized void look() {
      looking.set(false);
      if (ended || followed == null) {
        return;
      }
      try {
        sendWhatIsNew();
      } catch (Throwable t) {
        fail(t);
      }
    }

    private void sendWhatIsNew() {
      while (observer.isReady() && !observer.isCancelled() && !followed.isFinished()) {
        Optional<R> next = followed.next();
        if (next.isEmpty()) {
          return;
        }
        observer.onNext(next.get());
      }
      if (observer.isCancelled()) {
        end(() -> {});
      } else if (followed.isFinished()) {
        end(observer::onCompleted);
      }
    }

    private synchronized void fail(Throwable t) {
      end(() -> observer.onError(LoupeErrors.toStatusException(t)));
    }

    private void end(Runnable tell) {
      if (ended) {
        return;
      }
      ended = true;
      if (alarm != null) {
        alarm.cancel(false);
      }
      release();
      if (followed != null) {
        followed.close();
      }
      try {
        tell.run();
      } catch (RuntimeException e) {
        log.debug("a call could not be ended", e);
      }
    }

    private void release() {
      if (released.compareAndSet(false, true)) {
        free.release();
      }
    }
  }
}
