package dev.loupe.sae;

import dev.loupe.server.CommandLines;
import dev.loupe.server.ServerMain;
import dev.loupe.server.ServerOptions;
import dev.loupe.server.UpstreamOptions;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The sae service as a program of its own. */
@Command(
    name = "loupe-sae",
    mixinStandardHelpOptions = true,
    description = "Trains, evaluates and applies sparse dictionaries over gRPC.")
public final class SaeServiceMain implements Callable<Integer> {
  private static final int PORT = 50052;
  private static final int METRICS_PORT = 9102;

  @Mixin private ServerOptions server = new ServerOptions(PORT, METRICS_PORT);

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FOLDER",
      description =
          "Holds dictionaries, corpora, checkpoints and operations; one process uses it at a time.")
  private Path data;

  @Option(
      names = "--inference",
      paramLabel = "TARGET",
      description = "The inference service, host:port (default: ${DEFAULT-VALUE}).")
  private String inference = "127.0.0.1:50051";

  @Option(
      names = "--features",
      paramLabel = "TARGET",
      description = "The feature store, host:port (default: ${DEFAULT-VALUE}).")
  private String features = "127.0.0.1:50053";

  @Mixin private UpstreamOptions upstream = new UpstreamOptions();

  @Option(
      names = "--threads",
      paramLabel = "THREADS",
      description = "Threads of one engine operation, 0 for all cores (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--max-running",
      paramLabel = "CALLS",
      description = "Calls that run at once (default: ${DEFAULT-VALUE}).")
  private int maxRunning = SaeConfig.DEFAULT_MAX_CALLS;

  @Option(
      names = "--max-trainings",
      paramLabel = "OPERATIONS",
      description = "Trainings that run at once; more wait (default: ${DEFAULT-VALUE}).")
  private int maxTrainings = SaeConfig.DEFAULT_MAX_TRAININGS;

  @Option(
      names = "--max-measurements",
      paramLabel = "OPERATIONS",
      description =
          "Evaluations and publications that run at once, beside trainings; more wait (default:"
              + " ${DEFAULT-VALUE}).")
  private int maxMeasurements = SaeConfig.DEFAULT_MAX_MEASUREMENTS;

  @Option(
      names = "--memory-bytes",
      paramLabel = "BYTES",
      description =
          "Memory that operations and streams may take together; what needs more is refused, what"
              + " others hold is waited for (default: ${DEFAULT-VALUE}).")
  private long memoryBytes = SaeConfig.defaultMemoryBytes();

  private SaeServiceMain() {}

  /** Runs until the process is told to end. */
  public static void main(String[] args) {
    System.exit(CommandLines.ofServer(new SaeServiceMain()).execute(args));
  }

  @Override
  public Integer call() {
    SaeConfig config =
        SaeConfig.of(data, inference, features)
            .withThreads(threads)
            .withUpstream(upstream.upstream())
            .withBounds(maxRunning, maxTrainings, maxMeasurements, SaeConfig.DEFAULT_MAX_QUEUED)
            .withMemory(memoryBytes, SaeConfig.DEFAULT_MEMORY_PATIENCE);
    return ServerMain.run("sae-service", server, registry -> SaeService.open(config, registry));
  }
}
