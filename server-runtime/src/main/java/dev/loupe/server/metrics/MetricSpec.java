package dev.loupe.server.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * One entry of a service's catalogue of metrics: an enum of the service implements this, and all
 * its meters are made through it, so that name, unit and help stand in one place. {@link
 * MetricCatalogue} checks and prints a catalogue.
 */
public interface MetricSpec {
  /** What a metric is. */
  enum Type {
    /** Only grows; {@code _total} is added to its name. */
    COUNTER,
    /** Goes up and down. */
    GAUGE,
    /** Sizes of events: count, sum and maximum. */
    SUMMARY,
    /** Durations of events, in seconds: count, sum and maximum. */
    TIMER
  }

  /** Dotted name that starts with {@code loupe.}, without unit and without {@code total}. */
  String id();

  /** What it is. */
  Type type();

  /**
   * Base unit in the plural, such as {@code seconds}, {@code bytes} or {@code tokens}; {@code
   * ratio} for shares.
   */
  String unit();

  /** What it tells, as a sentence. */
  String help();

  /**
   * Upper bounds, in the unit, of the buckets in which the events of a summary or a timer are
   * counted; empty for none.
   */
  default double[] buckets() {
    return new double[0];
  }

  /** The counter of this entry; tags are keys and values in turn. */
  default Counter counter(MeterRegistry registry, String... tags) {
    require(Type.COUNTER);
    return Counter.builder(id()).baseUnit(unit()).description(help()).tags(tags).register(registry);
  }

  /** The summary of this entry. */
  default DistributionSummary summary(MeterRegistry registry, String... tags) {
    require(Type.SUMMARY);
    return DistributionSummary.builder(id())
        .baseUnit(unit())
        .description(help())
        .serviceLevelObjectives(buckets())
        .tags(tags)
        .register(registry);
  }

  /** The timer of this entry. */
  default Timer timer(MeterRegistry registry, String... tags) {
    require(Type.TIMER);
    Duration[] bounds =
        Arrays.stream(buckets())
            .mapToObj(seconds -> Duration.ofNanos(Math.round(seconds * 1e9)))
            .toArray(Duration[]::new);
    return Timer.builder(id())
        .description(help())
        .serviceLevelObjectives(bounds)
        .tags(tags)
        .register(registry);
  }

  /**
   * The gauge of this entry, which reads this value whenever it is scraped and keeps hold of it.
   */
  default Gauge gauge(MeterRegistry registry, Supplier<Number> value, String... tags) {
    require(Type.GAUGE);
    return Gauge.builder(id(), value)
        .baseUnit(unit())
        .description(help())
        .tags(tags)
        .strongReference(true)
        .register(registry);
  }

  private void require(Type wanted) {
    if (type() != wanted) {
      throw new IllegalStateException(id() + " is a " + type() + ", not a " + wanted);
    }
  }
}
