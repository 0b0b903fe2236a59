package dev.loupe.inference;

import dev.loupe.inference.scheduling.DeviceScheduler;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.server.sharing.MemoryBudget;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** The meters of one inference service; {@link InferenceMetric} is their catalogue. */
public final class InferenceMetrics {
  private static final String MODEL = "model";

  private final MeterRegistry registry;
  private final Timer queueWait;
  private final Timer forward;
  private final DistributionSummary batchSize;
  private final Counter hookPauses;

  /** Registers the meters. */
  public InferenceMetrics(MeterRegistry registry) {
    this.registry = registry;
    this.queueWait = InferenceMetric.QUEUE_WAIT.timer(registry);
    this.forward = InferenceMetric.FORWARD.timer(registry);
    this.batchSize = InferenceMetric.BATCH_SIZE.summary(registry);
    this.hookPauses = InferenceMetric.HOOK_PAUSES.counter(registry);
  }

  /** Watches the queue and the memory. */
  public void watch(DeviceScheduler scheduler, MemoryBudget budget) {
    InferenceMetric.QUEUE_DEPTH.gauge(registry, scheduler::waiting);
    InferenceMetric.RESERVED.gauge(registry, budget::reserved);
  }

  /** Watches how many models there are. */
  public void watchModels(Supplier<Number> loaded) {
    InferenceMetric.MODELS.gauge(registry, loaded);
  }

  /** A model serves: its counters start at 0. */
  public void serves(String id) {
    tokens(id).increment(0);
    generatedCounter(id).increment(0);
    capturedCounter(id).increment(0);
  }

  /** A request waited for the device. */
  public void waited(long nanos) {
    queueWait.record(nanos, TimeUnit.NANOSECONDS);
  }

  /** A turn on the device ended well. */
  public void ran(Work work, long nanos) {
    forward.record(nanos, TimeUnit.NANOSECONDS);
    if (work.rows() > 0) {
      batchSize.record(work.rows());
      tokens(work.model()).increment(work.tokens());
    }
  }

  /** A token was sampled. */
  public void generated(String model) {
    generatedCounter(model).increment();
  }

  /** Activations were sent. */
  public void captured(String model, long bytes) {
    capturedCounter(model).increment(bytes);
  }

  /** A pass waits for its client. */
  public void hookPaused() {
    hookPauses.increment();
  }

  private Counter tokens(String model) {
    return InferenceMetric.TOKENS.counter(registry, MODEL, model);
  }

  private Counter generatedCounter(String model) {
    return InferenceMetric.GENERATED.counter(registry, MODEL, model);
  }

  private Counter capturedCounter(String model) {
    return InferenceMetric.CAPTURED.counter(registry, MODEL, model);
  }
}
