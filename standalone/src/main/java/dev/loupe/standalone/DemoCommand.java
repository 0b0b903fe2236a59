package dev.loupe.standalone;

import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.ModelInfo;
import dev.loupe.standalone.demo.DemoSettings;
import dev.loupe.standalone.demo.Figures;
import dev.loupe.standalone.demo.Story;
import dev.loupe.standalone.demo.TrainableHookPoint;
import dev.loupe.standalone.embedded.EmbeddedLoupe;
import dev.loupe.standalone.terminal.Terminal;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code loupe demo}: from a prompt to named features. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    versionProvider = BuildVersion.class,
    sortOptions = false,
    description = {
      "Tell the whole story, then go on serving.",
      "",
      "Ten steps: start all services; what the model predicts and where it decides; its"
          + " previous-token and induction heads; neurons that mean several things; a sparse"
          + " dictionary trained on streamed activations; what it keeps; its features, published"
          + " and named; a neuron taken apart into features; a steered text; and the address at"
          + " which everything is served.",
      "",
      "The figures of the run are written to summary.json. What an earlier run made and still fits"
          + " is used again, and said so.",
      "",
      "Where a Loupe already serves the data folder, as \"loupe up\" does, the story is told on"
          + " that one, which loads the model if it does not serve it yet (from a folder, if"
          + " --load-from lets it).",
      ""
    })
final class DemoCommand implements Callable<Integer> {
  private static final String CAPITALS_PROMPT = "The capital of Texas is";

  @Option(
      names = "--model",
      paramLabel = ServingOptions.MODEL_LABEL,
      description = {
        "A model of your own (default: the one that ships with Loupe).",
        ServingOptions.MODEL_SYNTAX
      })
  private String model;

  @Option(
      names = "--corpus",
      paramLabel = "FILE_OR_FOLDER",
      description =
          "Text of your own: .txt, or .jsonl with a \"text\" field on each line, or a folder of"
              + " them. Without it, the generated corpus with its labelled concepts is used; with"
              + " it, what needs labels is left out of the report.")
  private Path corpus;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      defaultValue = CAPITALS_PROMPT,
      description = "The text to look at (default: ${DEFAULT-VALUE}).")
  private String prompt;

  @Option(
      names = "--hook-point",
      paramLabel = "NAME",
      description =
          "What the dictionary reads, such as blocks.2.hook_resid_post (default: the residual"
              + " stream in the middle of the model).")
  private String hookPoint;

  @Option(
      names = "--features",
      paramLabel = "COUNT",
      description = "Features of the dictionary (default: eight times the model's width).")
  private Integer features;

  @Option(
      names = "--steps",
      paramLabel = "COUNT",
      description = "Training steps of the dictionary (default: by the model's size).")
  private Long steps;

  @Option(
      names = "--dir",
      paramLabel = "FOLDER",
      description =
          "Where summary.json and all data go (default: data in LOUPE_HOME or ~/.loupe, which"
              + " \"loupe up\" serves, and summary.json in the folder demo there).")
  private Path dir;

  @Option(names = "--exit", description = "End after the story instead of serving.")
  private boolean exit;

  @Mixin private ServingOptions serving;

  @Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    long started = System.nanoTime();
    check();
    Terminal terminal = Terminal.system();
    Path data = dir == null ? ServingOptions.home(System.getenv()) : dir;
    terminal.heading("1 of 10: Start");
    Optional<InetSocketAddress> running = EmbeddedLoupe.serving(data);
    if (running.isPresent()) {
      tellOn(running.get(), data, terminal, started);
      return 0;
    }
    EmbeddedLoupe loupe = serving.start(data, model == null ? List.of() : List.of(model), terminal);
    Runnable close = Shutdown.closing(loupe);
    try (LoupeClient client = new LoupeClient(loupe.gateway())) {
      ServingOptions.announce(loupe, terminal);
      tell(client, loupe.models().get(0), data, terminal, started);
      ServingOptions.announce(loupe, terminal);
    }
    if (exit) {
      close.run();
      return 0;
    }
    ServingOptions.serve(terminal);
    return 0;
  }

  private void tellOn(InetSocketAddress gateway, Path data, Terminal terminal, long started)
      throws IOException {
    String address = "http://%s:%d/".formatted(gateway.getHostString(), gateway.getPort());
    terminal.line(
        "A Loupe serves %s already, at %s: the story is told on that one.", data, address);
    try (LoupeClient client = new LoupeClient(gateway);
        DownloadBars downloads = new DownloadBars(terminal)) {
      String name = ServedModel.of(client, model, downloads::onBytes);
      tell(client, name, data, terminal, started);
    }
    terminal.line("It goes on serving, at %s", address);
  }

  private void tell(LoupeClient client, String name, Path data, Terminal terminal, long started)
      throws IOException {
    ModelInfo info = client.model(name).info();
    describe(info, terminal);
    String point = hookPoint == null ? null : TrainableHookPoint.of(client.model(name), hookPoint);
    Figures figures = story(client, info, point, terminal).tell();
    Path summary = (dir == null ? data.resolve("demo") : dir).resolve("summary.json");
    figures.write(summary, (System.nanoTime() - started) / 1e9);
    terminal.heading("10 of 10: Serve");
    terminal.line("The figures of this run, in %s:", summary);
    terminal.line("");
    terminal.line(figures.json().strip());
  }

  private void check() {
    if (prompt.isBlank()) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--prompt is empty; give the text to look at");
    }
    if (features != null && features < 1) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--features is " + features + "; expected 1 or more");
    }
    if (steps != null && steps < 1) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--steps is " + steps + "; expected 1 or more");
    }
  }

  private Story story(LoupeClient client, ModelInfo info, String point, Terminal terminal) {
    boolean shipped = model == null && corpus == null;
    DemoSettings settings =
        (shipped ? DemoSettings.shipped(info) : DemoSettings.own(info))
            .with(point, features, steps);
    if (shipped) {
      return Story.ofShippedModel(client, info, settings, prompt, terminal);
    }
    return Story.ofOwnModel(client, info, corpus, model == null, settings, prompt, terminal);
  }

  private static void describe(ModelInfo info, Terminal terminal) {
    terminal.line(
        "%s: %d layers, %d heads, %d wide, %,d tokens, %,d parameters, on %s.",
        info.name(),
        info.layers(),
        info.heads(),
        info.dModel(),
        info.vocabulary(),
        info.parameters(),
        info.device());
  }
}
