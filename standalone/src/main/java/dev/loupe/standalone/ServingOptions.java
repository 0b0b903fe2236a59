package dev.loupe.standalone;

import dev.loupe.inference.LoadingOptions;
import dev.loupe.server.LogLevel;
import dev.loupe.server.PortNumber;
import dev.loupe.standalone.embedded.EmbeddedLoupe;
import dev.loupe.standalone.embedded.Loadable;
import dev.loupe.standalone.terminal.Terminal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What {@code demo} and {@code up} have in common. */
final class ServingOptions {
  @Option(
      names = "--port",
      defaultValue = "8080",
      paramLabel = "PORT",
      converter = PortNumber.class,
      description = "Port of the gateway, 0 for any free one (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--log-level",
      defaultValue = "WARN",
      paramLabel = "LEVEL",
      description =
          "How much the services log: ERROR, WARN, INFO, DEBUG or TRACE (default:"
              + " ${DEFAULT-VALUE}).")
  private LogLevel logLevel;

  @Mixin private LoadingOptions loading = new LoadingOptions();

  @Option(
      names = "--allow-host",
      split = ",",
      paramLabel = "NAME",
      description =
          "A name under which a proxy or a tunnel calls the gateway, beside localhost and"
              + " addresses; *.NAME for all below it, * for all. May be given more than once.")
  private List<String> allowedHosts = new ArrayList<>();

  /** What a model is called on the command line. */
  static final String MODEL_LABEL = "[ID=]MODEL[#FORM]";

  /** How a model is named on the command line. */
  static final String MODEL_SYNTAX =
      "A folder or a hub id, such as openai-community/gpt2 or, in short, gpt2. ID= before it says"
          + " how it is called. After it, #bf16 computes in bfloat16 and #all processes the weights"
          + " as TransformerLens does by default; steps of that (fold_ln, center_writing_weights,"
          + " center_unembed, fold_value_biases) and a type are joined by +, as in"
          + " mine=./my-model#bf16+fold_ln.";

  /**
   * The folder that data goes to unless another is named: {@code LOUPE_HOME}, or {@code .loupe} in
   * the home folder.
   */
  static Path home(Map<String, String> environment) {
    String home = environment.getOrDefault("LOUPE_HOME", "");
    return home.isBlank() ? Path.of(System.getProperty("user.home"), ".loupe") : Path.of(home);
  }

  /** Starts all services over a data folder, with these models or the shipped one. */
  EmbeddedLoupe start(Path data, List<String> models, Terminal terminal) {
    logLevel.apply();
    try (DownloadBars downloads = new DownloadBars(terminal)) {
      return EmbeddedLoupe.start(
          data,
          port,
          models,
          new Loadable(loading.folders(), loading.repositories()),
          allowedHosts,
          downloads);
    }
  }

  /** Says where everything is. */
  static void announce(EmbeddedLoupe loupe, Terminal terminal) {
    terminal.line("Models: %s", String.join(", ", loupe.models()));
    terminal.line("Gateway: %s  (page, JSON, gRPC and gRPC-Web)", loupe.page());
    terminal.line("API documentation: %sdocs/", loupe.page());
    terminal.line(
        "gRPC alone: inference 127.0.0.1:%d, sae 127.0.0.1:%d, features 127.0.0.1:%d",
        loupe.inferencePort(), loupe.saePort(), loupe.featuresPort());
    List<Integer> metrics = loupe.metricsPorts();
    terminal.line(
        "Prometheus, at /metrics: inference :%d, sae :%d, features :%d, gateway :%d",
        metrics.get(0), metrics.get(1), metrics.get(2), metrics.get(3));
  }

  /** Serves until the process is told to end. */
  static void serve(Terminal terminal) throws InterruptedException {
    terminal.line("");
    terminal.line("Serving. Press Ctrl-C to end.");
    new CountDownLatch(1).await();
  }
}
