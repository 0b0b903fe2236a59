package dev.loupe.inference;

import dev.loupe.inference.hub.DownloadProgress;
import dev.loupe.inference.hub.HubSettings;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.server.GatewayKey;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What an inference service runs, and within which bounds.
 *
 * @param models to load
 * @param threads that one operation of the engine may use; 0 for all cores
 * @param maxCalls that run at once; more get QUEUE_FULL
 * @param maxWaiting requests that may wait for the device; more get QUEUE_FULL
 * @param memoryBytes that requests may take together beside the weights
 * @param memoryPatience how long a request waits for others to give memory back
 * @param weightBytes that the weights of models loaded at run time may take beside those that are
 *     loaded, all together
 * @param modelFolders below which a client may have models loaded
 * @param repositories of the hub that a client may have loaded beside those of the models: {@code
 *     owner/name}, {@code owner/*}, {@code *} or {@code none}; empty for any where the hub gets no
 *     token, and none where it does
 * @param hub where hub ids are looked up
 * @param progress told while models are downloaded
 * @param gatewayKey without which no caller's word for whose call it is counts; null to believe all
 */
public record InferenceConfig(
    List<ModelSpec> models,
    int threads,
    int maxCalls,
    int maxWaiting,
    long memoryBytes,
    Duration memoryPatience,
    long weightBytes,
    List<Path> modelFolders,
    List<String> repositories,
    HubSettings hub,
    DownloadProgress progress,
    GatewayKey gatewayKey) {
  /** Calls at once, unless said. */
  public static final int DEFAULT_MAX_CALLS = 128;

  /** Requests that wait, unless said. */
  public static final int DEFAULT_MAX_WAITING = 256;

  private static final long LEAST_MEMORY_BYTES = 1L << 30;

  /** Takes its own copies of the lists. */
  public InferenceConfig {
    models = List.copyOf(models);
    modelFolders = List.copyOf(modelFolders);
    repositories = List.copyOf(repositories);
  }

  /**
   * Memory for requests, unless said: a quarter of the machine's or container's, at least 1 GiB.
   */
  public static long defaultMemoryBytes() {
    return Math.max(LEAST_MEMORY_BYTES, machineBytes() / 4);
  }

  /** Memory for weights, unless said: half of the machine's or container's, at least 1 GiB. */
  public static long defaultWeightBytes() {
    return Math.max(LEAST_MEMORY_BYTES, machineBytes() / 2);
  }

  private static long machineBytes() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : 0;
  }

  /** Calls that one tenant may have open: a quarter stays free for others. */
  public int mostCallsOfOneTenant() {
    return maxCalls - maxCalls / 4;
  }

  /** Memory that the calls of one tenant may hold together: a quarter stays free for others. */
  public long mostMemoryOfOneTenant() {
    return memoryBytes - memoryBytes / 4;
  }

  /** These models with the default bounds, hub ids looked up as the environment says. */
  public static InferenceConfig of(List<ModelSpec> models) {
    return new InferenceConfig(
        models,
        0,
        DEFAULT_MAX_CALLS,
        DEFAULT_MAX_WAITING,
        defaultMemoryBytes(),
        Duration.ofSeconds(60),
        defaultWeightBytes(),
        List.of(),
        List.of(),
        HubSettings.of(System.getenv()),
        DownloadProgress.NONE,
        null);
  }

  /** The same with other models. */
  public InferenceConfig withModels(List<ModelSpec> specs) {
    return new InferenceConfig(
        specs,
        threads,
        maxCalls,
        maxWaiting,
        memoryBytes,
        memoryPatience,
        weightBytes,
        modelFolders,
        repositories,
        hub,
        progress,
        gatewayKey);
  }

  /** The same with other numbers of engine threads. */
  public InferenceConfig withThreads(int count) {
    return new InferenceConfig(
        models,
        count,
        maxCalls,
        maxWaiting,
        memoryBytes,
        memoryPatience,
        weightBytes,
        modelFolders,
        repositories,
        hub,
        progress,
        gatewayKey);
  }

  /** The same with other bounds for requests. */
  public InferenceConfig withBounds(int calls, int waiting, long bytes, Duration patience) {
    return new InferenceConfig(
        models,
        threads,
        calls,
        waiting,
        bytes,
        patience,
        weightBytes,
        modelFolders,
        repositories,
        hub,
        progress,
        gatewayKey);
  }

  /** The same with other bounds for what is loaded at run time. */
  public InferenceConfig withLoading(long bytes, List<Path> folders) {
    return new InferenceConfig(
        models,
        threads,
        maxCalls,
        maxWaiting,
        memoryBytes,
        memoryPatience,
        bytes,
        folders,
        repositories,
        hub,
        progress,
        gatewayKey);
  }

  /** The same, where clients may have these repositories loaded. */
  public InferenceConfig withLoadableRepositories(List<String> rules) {
    return new InferenceConfig(
        models,
        threads,
        maxCalls,
        maxWaiting,
        memoryBytes,
        memoryPatience,
        weightBytes,
        modelFolders,
        rules,
        hub,
        progress,
        gatewayKey);
  }

  /** The same with another hub. */
  public InferenceConfig withHub(HubSettings settings, DownloadProgress listener) {
    return new InferenceConfig(
        models,
        threads,
        maxCalls,
        maxWaiting,
        memoryBytes,
        memoryPatience,
        weightBytes,
        modelFolders,
        repositories,
        settings,
        listener,
        gatewayKey);
  }

  /** The same with a key that the gateway's calls bring. */
  public InferenceConfig withGatewayKey(GatewayKey key) {
    return new InferenceConfig(
        models,
        threads,
        maxCalls,
        maxWaiting,
        memoryBytes,
        memoryPatience,
        weightBytes,
        modelFolders,
        repositories,
        hub,
        progress,
        key);
  }
}
