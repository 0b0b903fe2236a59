package dev.loupe.inference;

import dev.loupe.inference.hub.HubException;
import dev.loupe.inference.hub.HubSettings;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.server.CommandLines;
import dev.loupe.server.GatewayKey;
import dev.loupe.server.ServerMain;
import dev.loupe.server.ServerOptions;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The inference service as a program of its own. */
@Command(
    name = "loupe-inference",
    mixinStandardHelpOptions = true,
    description = "Runs GPT-2 models and opens them up over gRPC.")
public final class InferenceServiceMain implements Callable<Integer> {
  private static final int PORT = 50051;
  private static final int METRICS_PORT = 9101;

  @Mixin private ServerOptions server = new ServerOptions(PORT, METRICS_PORT);

  @Option(
      names = "--model",
      required = true,
      split = ",",
      paramLabel = "[ID=]MODEL[#FORM]",
      description =
          "A folder with config.json, tokenizer and safetensors weights, or a hub id such as"
              + " owner/name[@revision] or gpt2, downloaded through HF_ENDPOINT, HF_HOME and"
              + " HF_TOKEN. The form is f32 or bf16, and all or some steps of weight processing"
              + " (fold_ln, center_writing_weights, center_unembed, fold_value_biases), joined by"
              + " +, as in processed=owner/name#all. May be given more than once.")
  private List<String> models;

  @Option(
      names = "--threads",
      paramLabel = "THREADS",
      description = "Threads of one operation, 0 for all cores (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--max-running",
      paramLabel = "CALLS",
      description = "Calls that run at once (default: ${DEFAULT-VALUE}).")
  private int maxRunning = InferenceConfig.DEFAULT_MAX_CALLS;

  @Option(
      names = "--max-waiting",
      paramLabel = "REQUESTS",
      description = "Requests that may wait for the device (default: ${DEFAULT-VALUE}).")
  private int maxWaiting = InferenceConfig.DEFAULT_MAX_WAITING;

  @Option(
      names = "--memory-bytes",
      paramLabel = "BYTES",
      description =
          "Memory that requests may take together beside the weights (default: ${DEFAULT-VALUE}).")
  private long memoryBytes = InferenceConfig.defaultMemoryBytes();

  @Option(
      names = "--weight-bytes",
      paramLabel = "BYTES",
      description =
          "Memory that the weights of all models may take; what a client has loaded beyond it is"
              + " refused (default: ${DEFAULT-VALUE}).")
  private long weightBytes = InferenceConfig.defaultWeightBytes();

  @Mixin private LoadingOptions loading = new LoadingOptions();

  @Option(
      names = "--gateway-key-file",
      paramLabel = "FILE",
      description =
          "Believes what a call's loupe-tenant says only with the key in this file, which the"
              + " gateway must have too.")
  private Path gatewayKeyFile;

  private InferenceServiceMain() {}

  /** Runs until the process is told to end. */
  public static void main(String[] args) {
    System.exit(execute(args));
  }

  /** Runs, and gives the exit code: 0, 1 when it cannot start, 2 for options that make no sense. */
  static int execute(String... args) {
    return CommandLines.ofServer(new InferenceServiceMain()).execute(args);
  }

  @Override
  public Integer call() {
    return ServerMain.run(
        "inference-service", server, registry -> InferenceService.open(config(), registry));
  }

  private InferenceConfig config() {
    try {
      return InferenceConfig.of(models.stream().map(ModelSpec::parse).toList())
          .withThreads(threads)
          .withBounds(maxRunning, maxWaiting, memoryBytes, Duration.ofSeconds(60))
          .withLoading(weightBytes, loading.folders())
          .withLoadableRepositories(loading.repositories())
          .withGatewayKey(GatewayKey.read(gatewayKeyFile))
          .withHub(HubSettings.of(System.getenv()), this::logProgress);
    } catch (HubException e) {
      throw LoupeException.of(ErrorReason.INVALID_VALUE, e.getMessage(), e);
    }
  }

  private void logProgress(String file, long done, long total) {
    if (done == total) {
      LoggerFactory.getLogger(InferenceServiceMain.class).info("{} is here, {} bytes", file, total);
    }
  }
}
