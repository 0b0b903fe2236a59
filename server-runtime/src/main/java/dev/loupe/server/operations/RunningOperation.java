package dev.loupe.server.operations;

import com.google.longrunning.Operation;
import com.google.protobuf.Any;
import com.google.protobuf.Message;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The live state of an operation: its newest version, who waits for newer ones, and whether it
 * should stop.
 */
final class RunningOperation implements OperationContext {
  /** One state of an operation; numbers grow from 1. */
  record Version(long number, Operation operation) {}

  private final Progress store;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private OperationRecord record;
  private long version = 1;
  private Runnable task;
  private volatile boolean cancelled;
  private volatile boolean shuttingDown;

  /** Stores some of the states that go by. */
  interface Progress {
    void changed(OperationRecord record);
  }

  RunningOperation(OperationRecord record, Progress store) {
    this.record = record;
    this.store = store;
  }

  synchronized OperationRecord record() {
    return record;
  }

  /** What the pool is given to run. */
  synchronized void runs(Runnable work) {
    task = work;
  }

  synchronized Runnable task() {
    return task;
  }

  void cancel() {
    cancelled = true;
  }

  synchronized void shutDown() {
    shuttingDown = true;
    tell();
  }

  boolean isCancelled() {
    return cancelled;
  }

  boolean isShuttingDown() {
    return shuttingDown;
  }

  synchronized void replace(OperationRecord newer) {
    record = newer;
    version++;
    tell();
  }

  private void tell() {
    notifyAll();
    listeners.forEach(Runnable::run);
  }

  /** Runs this, which must be quick, whenever there may be something new. */
  void listen(Runnable listener) {
    listeners.add(listener);
  }

  void ignore(Runnable listener) {
    listeners.remove(listener);
  }

  /** Waits for a version above this one. */
  synchronized Optional<Version> newerThan(long seen, Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    while (version <= seen) {
      long left = end - System.nanoTime();
      if (shuttingDown) {
        throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down");
      }
      if (left <= 0) {
        return Optional.empty();
      }
      try {
        wait(1 + left / 1_000_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down", e);
      }
    }
    return Optional.of(new Version(version, record.operation()));
  }

  @Override
  public String name() {
    return record().name();
  }

  @Override
  public boolean isStopped() {
    return cancelled || shuttingDown;
  }

  @Override
  public void throwIfStopped() {
    if (cancelled) {
      throw LoupeException.of(
          ErrorReason.OPERATION_CANCELLED, "operation " + name() + " was cancelled");
    }
    if (shuttingDown) {
      throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down");
    }
  }

  @Override
  public void progress(Message metadata) {
    Any packed = Any.pack(metadata);
    OperationRecord newer;
    synchronized (this) {
      newer = record.with(record.operation().toBuilder().setMetadata(packed).build());
      replace(newer);
    }
    store.changed(newer);
  }
}
