package dev.loupe.inference.scheduling;

import ai.djl.engine.EngineException;
import dev.loupe.inference.InferenceMetrics;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.MemoryBudget;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/** Runs work on the device: reserves its memory, waits for its turn, and measures both. */
public final class DeviceRunner {
  private final DeviceScheduler scheduler;
  private final MemoryBudget budget;
  private final InferenceMetrics metrics;
  private final Arrivals arrivals;
  private final SharedPasses passes;

  /** A runner on a device. */
  public DeviceRunner(DeviceScheduler scheduler, MemoryBudget budget, InferenceMetrics metrics) {
    this(scheduler, new Arrivals(), budget, metrics);
  }

  DeviceRunner(
      DeviceScheduler scheduler, Arrivals arrivals, MemoryBudget budget, InferenceMetrics metrics) {
    this.arrivals = arrivals;
    this.passes = new SharedPasses(scheduler, arrivals, budget, metrics);
    this.scheduler = scheduler;
    this.budget = budget;
    this.metrics = metrics;
  }

  /** Reserves memory that outlives a turn, such as activations that still have to be sent. */
  public MemoryBudget.Reservation reserve(PassCost cost, Call call) {
    return budget.reserve(cost, call);
  }

  /** Reserves memory as {@link #reserve} does, but only if it is free at once. */
  public Optional<MemoryBudget.Reservation> tryReserve(PassCost cost, Call call) {
    return budget.tryReserve(cost.bytes(), call);
  }

  /** Announces a forward pass that will soon be in the queue; to be closed when it will not. */
  public Arrivals.Arrival expectPass() {
    return arrivals.announce();
  }

  /** Runs a forward pass that was announced; it may wait for others that were. */
  public <T> T forward(
      Arrivals.Arrival arrival, MemoryBudget.Reservation reservation, PassRequest<T> request) {
    return forward(reservation, request, arrival::close);
  }

  /**
   * Runs a forward pass, together with such passes of others that wait at the same time. Each gets
   * what it would get alone, and fails alone. The caller holds a reservation of the pass's cost.
   */
  public <T> T forward(MemoryBudget.Reservation reservation, PassRequest<T> request) {
    return forward(reservation, request, () -> {});
  }

  private <T> T forward(
      MemoryBudget.Reservation reservation, PassRequest<T> request, Runnable whenQueued) {
    require(reservation);
    try {
      return passes.run(request, whenQueued);
    } catch (EngineException | OutOfMemoryError e) {
      throw outOfMemory(e);
    }
  }

  /** Runs work in one turn, with its memory reserved for as long. */
  public <T> T run(Call call, PassCost cost, Work work, Function<DeviceTurn, T> body) {
    try (MemoryBudget.Reservation reservation = budget.reserve(cost, call)) {
      return runReserved(call, reservation, work, body);
    }
  }

  /** Runs work in one turn under a reservation that the caller holds. */
  public <T> T runReserved(
      Call call, MemoryBudget.Reservation reservation, Work work, Function<DeviceTurn, T> body) {
    require(reservation);
    long queued = System.nanoTime();
    try (DeviceTurn turn = scheduler.take(call)) {
      long begun = System.nanoTime();
      metrics.waited(begun - queued);
      T result = turn.work(() -> body.apply(turn));
      metrics.ran(work, System.nanoTime() - begun);
      return result;
    } catch (EngineException | OutOfMemoryError e) {
      throw outOfMemory(e);
    }
  }

  private static void require(MemoryBudget.Reservation reservation) {
    if (reservation == null) {
      throw new IllegalArgumentException("work needs a reservation");
    }
  }

  /** The engine says that it has no memory only in its message. */
  private static RuntimeException outOfMemory(Throwable error) {
    String message = String.valueOf(error.getMessage()).toLowerCase(Locale.ROOT);
    boolean memory =
        error instanceof OutOfMemoryError
            || message.contains("allocate memory")
            || message.contains("out of memory");
    if (memory) {
      return LoupeException.of(
          ErrorReason.OUT_OF_BUDGET,
          "the device ran out of memory; send fewer or shorter rows, or capture fewer hook points",
          error);
    }
    return (EngineException) error;
  }
}
