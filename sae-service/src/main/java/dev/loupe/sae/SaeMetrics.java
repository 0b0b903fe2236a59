package dev.loupe.sae;

import dev.loupe.sae.training.TrainingStatus;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;

/** What the service counts. */
public final class SaeMetrics {
  private final Counter trained;
  private final Counter encoded;
  private final Counter decoded;
  private final Counter evaluated;
  private final Counter published;
  private final Timer encoding;
  private final MeterRegistry registry;
  private volatile TrainingStatus latest =
      new TrainingStatus(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Duration.ZERO);

  /** Makes the meters in this registry. */
  public SaeMetrics(MeterRegistry registry) {
    this.registry = registry;
    this.trained = SaeMetric.TRAINED.counter(registry);
    this.encoded = SaeMetric.ENCODED.counter(registry);
    this.decoded = SaeMetric.DECODED.counter(registry);
    this.evaluated = SaeMetric.EVALUATED.counter(registry);
    this.published = SaeMetric.PUBLISHED.counter(registry);
    this.encoding = SaeMetric.ENCODING.timer(registry);
    gauge(SaeMetric.TRAINING_RATE, TrainingStatus::rowsPerSecond);
    gauge(SaeMetric.LOSS, TrainingStatus::loss);
    gauge(SaeMetric.EXPLAINED_VARIANCE, TrainingStatus::explainedVariance);
    gauge(SaeMetric.L0, TrainingStatus::l0);
    gauge(SaeMetric.DEAD, TrainingStatus::deadFraction);
  }

  private void gauge(SaeMetric metric, Function<TrainingStatus, Number> value) {
    metric.gauge(registry, () -> value.apply(latest));
  }

  /** Lets the number of operations be read. */
  public void operations(Supplier<Number> count) {
    SaeMetric.OPERATIONS.gauge(registry, count);
  }

  /** Lets the memory that work has reserved be read. */
  public void memory(Supplier<Number> bytes) {
    SaeMetric.MEMORY.gauge(registry, bytes);
  }

  /** Activations were trained on. */
  public void trained(int rows) {
    trained.increment(rows);
  }

  /** The newest status of any training. */
  public void training(TrainingStatus status) {
    latest = status;
  }

  /** A batch was encoded for a client. */
  public void encoded(int rows, Duration time) {
    encoded.increment(rows);
    encoding.record(time);
  }

  /** A batch was decoded for a client. */
  public void decoded(int rows) {
    decoded.increment(rows);
  }

  /** Rows of tokens were evaluated. */
  public void evaluated(long rows) {
    evaluated.increment(rows);
  }

  /** Features were published. */
  public void published(long features) {
    published.increment(features);
  }
}
