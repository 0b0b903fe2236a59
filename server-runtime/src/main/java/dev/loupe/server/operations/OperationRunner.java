package dev.loupe.server.operations;

import com.google.longrunning.Operation;
import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.Status;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs long work as {@code google.longrunning.Operation}s in bounded lanes, and keeps their state
 * in a store that survives the process. Every operation's name is {@code
 * {parent}/operations/{operation}}.
 *
 * <p>The newest thousand finished operations are kept.
 */
public final class OperationRunner implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(OperationRunner.class);
  private static final long STORE_PROGRESS_EVERY_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long STOP_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final OperationStore store;
  private final StoredOperations stored;
  private final Set<OperationLane> lanes;
  private final Function<Any, OperationLane> laneOf;
  private final Map<String, RunningOperation> running = new ConcurrentHashMap<>();

  /**
   * @param store keeps the operations
   * @param threads operations that run at once
   * @param maxQueued operations that may wait beside those; more are refused with QUEUE_FULL
   */
  public OperationRunner(OperationStore store, int threads, int maxQueued) {
    this(store, new OperationLane("operation", threads, maxQueued));
  }

  private OperationRunner(OperationStore store, OperationLane lane) {
    this(store, Set.of(lane), request -> lane);
  }

  /**
   * @param store keeps the operations
   * @param lanes in which operations run; the runner closes them
   * @param laneOf gives the lane of an operation that a request asks for, one of those
   */
  public OperationRunner(
      OperationStore store, Set<OperationLane> lanes, Function<Any, OperationLane> laneOf) {
    this.store = store;
    this.stored = new StoredOperations(store);
    this.lanes = Set.copyOf(lanes);
    this.laneOf = laneOf;
  }

  /**
   * Deals with the operations that the process before left unfinished. To be called once, before
   * the first {@link #start}.
   *
   * @param resume gives the work that goes on with an operation, under its old name; empty fails it
   *     with ABORTED (INTERRUPTED)
   * @return how many go on
   */
  public int recover(Function<OperationRecord, Optional<OperationWork>> resume) {
    int resumed = 0;
    for (OperationRecord record : store.list()) {
      if (!record.operation().getDone()) {
        Optional<OperationWork> work = resume.apply(record);
        if (work.isPresent() && submitted(record, work.get())) {
          resumed++;
        } else {
          stored.putInterrupted(record);
        }
      }
    }
    return resumed;
  }

  /**
   * Starts an operation, or puts it in the queue.
   *
   * @param parent resource that it belongs to, such as {@code dictionaries/a}
   * @param request that asked for it, kept for {@link #recover}
   * @param metadata to begin with
   * @throws LoupeException QUEUE_FULL, STORAGE_FULL, STORAGE_UNAVAILABLE
   */
  public Operation start(String parent, Message request, Message metadata, OperationWork work) {
    Operation operation =
        Operation.newBuilder()
            .setName(StoredOperations.newName(parent))
            .setMetadata(Any.pack(metadata))
            .build();
    OperationRecord record = new OperationRecord(operation, Any.pack(request));
    OperationLane lane = laneOf.apply(record.request());
    lane.requireRoom();
    stored.forgetOldest();
    store.put(record);
    if (!submitted(record, work)) {
      store.delete(record.name());
      throw lane.full();
    }
    return operation;
  }

  /**
   * The newest state of an operation.
   *
   * @throws LoupeException OPERATION_NOT_FOUND
   */
  public Operation get(String name) {
    return find(name).operation();
  }

  /** All operations that belong to a parent, by name; an empty parent has all. */
  public List<Operation> list(String parent) {
    String prefix = parent.isEmpty() ? "" : parent + "/operations/";
    List<Operation> found = new ArrayList<>();
    for (OperationRecord record : store.list()) {
      if (record.name().startsWith(prefix)) {
        RunningOperation live = running.get(record.name());
        found.add(live == null ? record.operation() : live.record().operation());
      }
    }
    return found;
  }

  /** The operations that are not done, with their requests. */
  public Collection<OperationRecord> unfinished() {
    return running.values().stream()
        .map(RunningOperation::record)
        .filter(record -> !record.operation().getDone())
        .toList();
  }

  /**
   * Asks an operation to end. It does so when its work next looks; one that is done stays as it is.
   *
   * @throws LoupeException OPERATION_NOT_FOUND
   */
  public void cancel(String name) {
    find(name);
    RunningOperation live = running.get(name);
    if (live != null) {
      live.cancel();
      endIfQueued(live);
    }
  }

  /**
   * Forgets an operation.
   *
   * @throws LoupeException OPERATION_NOT_FOUND; OPERATION_RUNNING while it is not done
   */
  public void delete(String name) {
    if (!find(name).operation().getDone()) {
      throw LoupeException.of(
          ErrorReason.OPERATION_RUNNING, "operation " + name + " is not done; cancel it first");
    }
    running.remove(name);
    store.delete(name);
  }

  /**
   * Follows an operation from its present state.
   *
   * @throws LoupeException OPERATION_NOT_FOUND
   */
  public OperationWatch watch(String name) {
    RunningOperation live = running.get(name);
    // One that ends between the two looks is found in the store, done.
    return new OperationWatch(live != null ? live : new RunningOperation(find(name), record -> {}));
  }

  /**
   * Waits for the end of an operation, or for this time, and gives its state then.
   *
   * @throws LoupeException OPERATION_NOT_FOUND
   */
  public Operation await(String name, Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    OperationWatch watch = watch(name);
    Operation latest = watch.next(Duration.ZERO).orElseThrow();
    while (!watch.isFinished() && System.nanoTime() < end) {
      latest = watch.next(Duration.ofNanos(end - System.nanoTime())).orElse(latest);
    }
    return latest;
  }

  /**
   * Tells all work to stop and waits for it, up to 30 seconds. What is not done then is found by
   * {@link #recover}.
   */
  @Override
  public void close() {
    running.values().forEach(RunningOperation::shutDown);
    lanes.forEach(OperationLane::shutDown);
    long end = System.nanoTime() + STOP_NANOS;
    try {
      for (OperationLane lane : lanes) {
        if (!lane.awaitEnd(end)) {
          log.warn("some operations did not stop in time");
        }
      }
    } catch (InterruptedException e) {
      lanes.forEach(OperationLane::interrupt);
      Thread.currentThread().interrupt();
    }
  }

  private OperationRecord find(String name) {
    RunningOperation live = running.get(name);
    if (live != null) {
      return live.record();
    }
    return store
        .get(name)
        .orElseThrow(
            () ->
                LoupeException.of(ErrorReason.OPERATION_NOT_FOUND, "there is no operation " + name)
                    .with("operation", name));
  }

  private boolean submitted(OperationRecord record, OperationWork work) {
    RunningOperation live = new RunningOperation(record, new SometimesStored());
    live.runs(() -> run(live, work));
    running.put(record.name(), live);
    if (lane(live).submit(live.task())) {
      return true;
    }
    running.remove(record.name());
    return false;
  }

  private OperationLane lane(RunningOperation live) {
    return laneOf.apply(live.record().request());
  }

  private void endIfQueued(RunningOperation live) {
    if (lane(live).takeBack(live.task())) {
      live.task().run();
    }
  }

  private void run(RunningOperation live, OperationWork work) {
    Operation.Builder done = null;
    try {
      live.throwIfStopped();
      Message response = work.run(live);
      done = live.record().operation().toBuilder().setDone(true).setResponse(Any.pack(response));
    } catch (Throwable t) {
      if (live.isShuttingDown() && !live.isCancelled()) {
        log.info("operation {} stops with the server", live.name());
        stored.tryPut(live.record());
      } else {
        done = live.record().operation().toBuilder().setDone(true).setError(error(live, t));
      }
    }
    lane(live).ended();
    if (done != null) {
      end(live, live.record().with(done.build()));
    }
  }

  /** An end that cannot be stored is known until the process ends; the next finds it unfinished. */
  private void end(RunningOperation live, OperationRecord record) {
    boolean kept = stored.tryPut(record);
    live.replace(record);
    if (kept) {
      running.remove(live.name());
    }
  }

  private static Status error(RunningOperation live, Throwable t) {
    if (live.isCancelled()) {
      return LoupeErrors.toRpcStatus(
          LoupeException.of(
              ErrorReason.OPERATION_CANCELLED, "operation " + live.name() + " was cancelled"));
    }
    return LoupeErrors.toRpcStatus(t);
  }

  /**
   * Stores progress now and then: it costs a write to the disk. For the one thread that does the
   * work.
   */
  private final class SometimesStored implements RunningOperation.Progress {
    private long last = System.nanoTime();

    @Override
    public void changed(OperationRecord record) {
      if (System.nanoTime() - last >= STORE_PROGRESS_EVERY_NANOS) {
        stored.tryPut(record);
        last = System.nanoTime();
      }
    }
  }
}
