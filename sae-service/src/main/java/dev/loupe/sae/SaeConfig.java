package dev.loupe.sae;

import dev.loupe.sae.client.Patience;
import java.nio.file.Path;

/**
 * What an sae service works with, and within which bounds.
 *
 * @param data folder for dictionaries, corpora, checkpoints and operations
 * @param inferenceTarget the inference service, {@code host:port} or any gRPC target
 * @param featureStoreTarget the feature store, likewise
 * @param threads that one operation of the engine may use; 0 for all cores
 * @param maxCalls that run at once; more get QUEUE_FULL
 * @param maxRunning operations that run at once
 * @param maxQueued operations that may wait beside them; more get QUEUE_FULL
 * @param patience with services that are away while an operation runs
 */
public record SaeConfig(
    Path data,
    String inferenceTarget,
    String featureStoreTarget,
    int threads,
    int maxCalls,
    int maxRunning,
    int maxQueued,
    Patience patience) {
  /** Calls at once, unless said. */
  public static final int DEFAULT_MAX_CALLS = 64;

  /** Operations at once, unless said. */
  public static final int DEFAULT_MAX_RUNNING = 2;

  /** Operations that wait, unless said. */
  public static final int DEFAULT_MAX_QUEUED = 32;

  /** The default bounds. */
  public static SaeConfig of(Path data, String inferenceTarget, String featureStoreTarget) {
    return new SaeConfig(
        data,
        inferenceTarget,
        featureStoreTarget,
        0,
        DEFAULT_MAX_CALLS,
        DEFAULT_MAX_RUNNING,
        DEFAULT_MAX_QUEUED,
        Patience.DEFAULT);
  }

  /** The same with another number of engine threads. */
  public SaeConfig withThreads(int count) {
    return new SaeConfig(
        data,
        inferenceTarget,
        featureStoreTarget,
        count,
        maxCalls,
        maxRunning,
        maxQueued,
        patience);
  }

  /** The same with other bounds. */
  public SaeConfig withBounds(int calls, int running, int queued) {
    return new SaeConfig(
        data, inferenceTarget, featureStoreTarget, threads, calls, running, queued, patience);
  }

  /** The same with another patience. */
  public SaeConfig withPatience(Patience other) {
    return new SaeConfig(
        data, inferenceTarget, featureStoreTarget, threads, maxCalls, maxRunning, maxQueued, other);
  }
}
