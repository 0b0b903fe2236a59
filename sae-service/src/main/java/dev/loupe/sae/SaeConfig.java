package dev.loupe.sae;

import dev.loupe.sae.client.Patience;
import dev.loupe.server.Upstream;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What an sae service works with, and within which bounds.
 *
 * @param data folder for dictionaries, corpora, checkpoints and operations
 * @param inferenceTarget the inference service, {@code host:port} or any gRPC target
 * @param featureStoreTarget the feature store, likewise
 * @param upstream how to call them
 * @param threads that one operation of the engine may use; 0 for all cores
 * @param bounds on what runs at once
 * @param memoryBytes that operations and streams may take together
 * @param memoryPatience how long a stream waits for memory that others hold
 * @param patience with services that are away while an operation runs
 */
public record SaeConfig(
    Path data,
    String inferenceTarget,
    String featureStoreTarget,
    Upstream upstream,
    int threads,
    Bounds bounds,
    long memoryBytes,
    Duration memoryPatience,
    Patience patience) {
  /** Calls at once, unless said. */
  public static final int DEFAULT_MAX_CALLS = 64;

  /** Trainings at once, unless said. */
  public static final int DEFAULT_MAX_TRAININGS = 2;

  /** Evaluations and publications at once, unless said. */
  public static final int DEFAULT_MAX_MEASUREMENTS = 2;

  /** Operations that wait, unless said. */
  public static final int DEFAULT_MAX_QUEUED = 32;

  /** How long streams wait for memory, unless said. */
  public static final Duration DEFAULT_MEMORY_PATIENCE = Duration.ofSeconds(30);

  private static final long LEAST_MEMORY_BYTES = 256L << 20;

  /**
   * What runs at once.
   *
   * @param calls that run; more get QUEUE_FULL
   * @param trainings that run
   * @param measurements evaluations and publications that run
   * @param queued operations of either kind that may wait beside them; more get QUEUE_FULL
   */
  public record Bounds(int calls, int trainings, int measurements, int queued) {
    static final Bounds DEFAULT =
        new Bounds(
            DEFAULT_MAX_CALLS, DEFAULT_MAX_TRAININGS, DEFAULT_MAX_MEASUREMENTS, DEFAULT_MAX_QUEUED);
  }

  /** The default bounds. */
  public static SaeConfig of(Path data, String inferenceTarget, String featureStoreTarget) {
    return new SaeConfig(
        data,
        inferenceTarget,
        featureStoreTarget,
        Upstream.PLAIN_TEXT,
        0,
        Bounds.DEFAULT,
        defaultMemoryBytes(),
        DEFAULT_MEMORY_PATIENCE,
        Patience.DEFAULT);
  }

  /** Memory for operations and streams, unless said: half of the heap's limit, 256 MiB or more. */
  public static long defaultMemoryBytes() {
    return Math.max(LEAST_MEMORY_BYTES, Runtime.getRuntime().maxMemory() / 2);
  }

  /** The same, calling the other services in another way. */
  public SaeConfig withUpstream(Upstream other) {
    return new SaeConfig(
        data,
        inferenceTarget,
        featureStoreTarget,
        other,
        threads,
        bounds,
        memoryBytes,
        memoryPatience,
        patience);
  }

  /** The same with another number of engine threads. */
  public SaeConfig withThreads(int count) {
    return new SaeConfig(
        data,
        inferenceTarget,
        featureStoreTarget,
        upstream,
        count,
        bounds,
        memoryBytes,
        memoryPatience,
        patience);
  }

  /** The same with other bounds, as {@link Bounds} has them. */
  public SaeConfig withBounds(int calls, int trainings, int measurements, int queued) {
    return new SaeConfig(
        data,
        inferenceTarget,
        featureStoreTarget,
        upstream,
        threads,
        new Bounds(calls, trainings, measurements, queued),
        memoryBytes,
        memoryPatience,
        patience);
  }

  /** The same with another bound on memory. */
  public SaeConfig withMemory(long bytes, Duration wait) {
    return new SaeConfig(
        data,
        inferenceTarget,
        featureStoreTarget,
        upstream,
        threads,
        bounds,
        bytes,
        wait,
        patience);
  }

  /** The same with another patience. */
  public SaeConfig withPatience(Patience other) {
    return new SaeConfig(
        data,
        inferenceTarget,
        featureStoreTarget,
        upstream,
        threads,
        bounds,
        memoryBytes,
        memoryPatience,
        other);
  }
}
