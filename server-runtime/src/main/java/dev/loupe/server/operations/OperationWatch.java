package dev.loupe.server.operations;

import com.google.longrunning.Operation;
import java.time.Duration;
import java.util.Optional;

/**
 * Follows an operation at its reader's pace: states that come while the reader is busy replace one
 * another, and the last one is always seen. For one thread.
 */
public final class OperationWatch implements AutoCloseable {
  private final RunningOperation running;
  private long seen;
  private boolean finished;
  private Runnable listener = () -> {};

  OperationWatch(RunningOperation running) {
    this.running = running;
  }

  /**
   * The newest state, once there is one that was not given yet: at the first call, at once. Empty
   * when none comes in this time, or after the last.
   */
  public Optional<Operation> next(Duration patience) {
    if (finished) {
      return Optional.empty();
    }
    Optional<RunningOperation.Version> newer = running.newerThan(seen, patience);
    newer.ifPresent(
        version -> {
          seen = version.number();
          finished = version.operation().getDone();
        });
    return newer.map(RunningOperation.Version::operation);
  }

  /**
   * Runs this, which must be quick, whenever {@link #next} may have something to give: for those
   * that ask it with no patience instead of waiting.
   */
  public OperationWatch onChange(Runnable changed) {
    running.ignore(listener);
    listener = changed;
    running.listen(changed);
    return this;
  }

  /** Whether the operation is done and {@link #next} has given its last state. */
  public boolean isFinished() {
    return finished;
  }

  /** Ends the watch. */
  @Override
  public void close() {
    finished = true;
    running.ignore(listener);
  }
}
