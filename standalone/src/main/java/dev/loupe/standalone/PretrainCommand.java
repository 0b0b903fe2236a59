package dev.loupe.standalone;

import dev.loupe.standalone.pretrain.PretrainRun;
import dev.loupe.standalone.pretrain.PretrainSettings;
import dev.loupe.tensor.TensorEngine;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code loupe pretrain}: makes the demo model, its corpus and tokenizer included. */
@Command(
    name = "pretrain",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Train a small GPT-2 model on the generated, labelled corpus.")
public final class PretrainCommand implements Callable<Integer> {
  private static final long DEFAULT_RESTART = 12_000_000;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description = "Where the model, its tokenizer, log and card go.")
  private Path out;

  @Option(
      names = "--resume",
      description =
          "Go on from the checkpoint in the folder, with the settings the run was started with.")
  private boolean resume;

  @Option(
      names = "--tokens",
      defaultValue = "17000000",
      description = "Tokens to train on (default: ${DEFAULT-VALUE}).")
  private long tokens;

  @Option(
      names = "--restart",
      paramLabel = "TOKENS",
      description =
          "Tokens after which the learning rate starts anew (default: 12000000, or --tokens if less).")
  private Long restartTokens;

  @Option(
      names = "--layers",
      defaultValue = "4",
      description = "Blocks (default: ${DEFAULT-VALUE}).")
  private int layers;

  @Option(
      names = "--width",
      defaultValue = "128",
      description = "Width of the residual stream (default: ${DEFAULT-VALUE}).")
  private int width;

  @Option(
      names = "--heads",
      defaultValue = "8",
      description = "Attention heads of a block (default: ${DEFAULT-VALUE}).")
  private int heads;

  @Option(
      names = "--context",
      defaultValue = "128",
      description = "Positions, and tokens in a row (default: ${DEFAULT-VALUE}).")
  private int context;

  @Option(
      names = "--vocabulary",
      defaultValue = "4096",
      description = "Token ids (default: ${DEFAULT-VALUE}).")
  private int vocabulary;

  @Option(
      names = "--tokenizer-documents",
      defaultValue = "40000",
      description = "Documents that the tokenizer is trained on (default: ${DEFAULT-VALUE}).")
  private int tokenizerDocuments;

  @Option(
      names = "--batch",
      defaultValue = "16",
      description = "Rows in a step (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(
      names = "--learning-rate",
      defaultValue = "2e-3",
      description = "Highest learning rate of AdamW (default: ${DEFAULT-VALUE}).")
  private double learningRate;

  @Option(
      names = "--repeats",
      defaultValue = "0.35",
      description =
          "Share of documents that are repeated random sequences (default: ${DEFAULT-VALUE}).")
  private double repeats;

  @Option(
      names = "--late-repeats",
      defaultValue = "0.75",
      description = "The same after two fifths of the run (default: ${DEFAULT-VALUE}).")
  private double lateRepeats;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Seed of the corpus and of the first weights (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--threads",
      defaultValue = "0",
      description = "Threads of the tensor engine; 0 for all cores (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--log-steps",
      defaultValue = "50",
      description = "Steps between lines of the log (default: ${DEFAULT-VALUE}).")
  private int logSteps;

  @Option(
      names = "--probe-steps",
      defaultValue = "500",
      description = "Steps between looks at what has been learnt (default: ${DEFAULT-VALUE}).")
  private int probeSteps;

  @Option(
      names = "--checkpoint-seconds",
      defaultValue = "60",
      description = "Seconds between checkpoints (default: ${DEFAULT-VALUE}).")
  private int checkpointSeconds;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    PrintWriter console = spec.commandLine().getOut();
    PretrainSettings settings;
    PretrainRun.Cadence cadence;
    try {
      settings = resume ? PretrainRun.settingsOf(out) : settings();
      cadence =
          new PretrainRun.Cadence(logSteps, probeSteps, Duration.ofSeconds(checkpointSeconds));
      TensorEngine.start(threads);
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    new PretrainRun(out, settings, cadence, console).run(resume);
    return CommandLine.ExitCode.OK;
  }

  private PretrainSettings settings() {
    return new PretrainSettings(
        seed,
        vocabulary,
        tokenizerDocuments,
        layers,
        heads,
        width,
        context,
        batch,
        tokens,
        restartTokens == null ? Math.min(DEFAULT_RESTART, tokens) : restartTokens,
        learningRate,
        repeats,
        lateRepeats);
  }

  /** Runs the command alone, without the rest of Loupe on the class path. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new PretrainCommand()).execute(args));
  }
}
