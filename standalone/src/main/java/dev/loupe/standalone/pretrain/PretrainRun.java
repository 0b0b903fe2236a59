package dev.loupe.standalone.pretrain;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.pretraining.PretrainOptions;
import dev.loupe.inference.pretraining.Pretrainer;
import dev.loupe.inference.pretraining.StepReport;
import dev.loupe.inference.pretraining.TrainingBatch;
import dev.loupe.inference.tokenizer.BpeTokenizer;
import dev.loupe.server.files.DurableFiles;
import dev.loupe.standalone.corpus.Concept;
import dev.loupe.standalone.corpus.CorpusGenerator;
import dev.loupe.standalone.corpus.TokenizerFile;
import dev.loupe.standalone.corpus.TrainedBpe;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * One pretraining run in a folder: tokenizer, training with checkpoints, and at the end the model
 * with its card. A run that was interrupted goes on from its last checkpoint.
 */
public final class PretrainRun {
  static final String SETTINGS = "pretraining.json";
  static final String CHECKPOINT = "checkpoint.safetensors";
  static final String LOG = "training-log.jsonl";
  private static final ObjectWriter JSON = new ObjectMapper().writerWithDefaultPrettyPrinter();

  private final Path folder;
  private final PretrainSettings settings;
  private final Cadence cadence;
  private final PrintWriter out;

  /**
   * How often things are done besides training.
   *
   * @param logSteps steps between lines of the log
   * @param probeSteps steps between looks at what the model has learnt
   * @param checkpointEvery time between checkpoints
   */
  public record Cadence(int logSteps, int probeSteps, Duration checkpointEvery) {
    /**
     * @throws IllegalArgumentException if a number of steps is not positive
     */
    public Cadence {
      if (logSteps < 1 || probeSteps < 1) {
        throw new IllegalArgumentException(
            "steps between log lines and probes are "
                + logSteps
                + " and "
                + probeSteps
                + "; expected at least 1");
      }
    }
  }

  /**
   * @param folder where everything goes; made if it is not there
   * @param out where progress is told
   */
  public PretrainRun(Path folder, PretrainSettings settings, Cadence cadence, PrintWriter out) {
    this.folder = folder;
    this.settings = settings;
    this.cadence = cadence;
    this.out = out;
  }

  /** The settings that a folder's run was started with. */
  public static PretrainSettings settingsOf(Path folder) throws IOException {
    return new ObjectMapper().readValue(folder.resolve(SETTINGS).toFile(), PretrainSettings.class);
  }

  /**
   * Trains to the end and writes the model.
   *
   * @param resume go on from the folder's checkpoint instead of starting anew
   * @return what the finished model was measured to know
   * @throws IOException if the folder cannot be written, or its checkpoint not be read
   */
  public ProbeResult run(boolean resume) throws IOException {
    Files.createDirectories(folder);
    CorpusGenerator corpus = new CorpusGenerator(settings.seed());
    if (!resume) {
      writeTokenizer(corpus);
      DurableFiles.write(folder.resolve(SETTINGS), JSON.writeValueAsBytes(settings));
    }
    BpeTokenizer tokenizer = BpeTokenizer.load(folder);
    int endOfText = tokenizer.find(TrainedBpe.END_OF_TEXT).orElseThrow();
    GptConfig config =
        GptConfig.gpt2(
            settings.layers(),
            settings.heads(),
            settings.width(),
            settings.context(),
            tokenizer.size(),
            endOfText);
    PretrainOptions options =
        PretrainOptions.of(
            Math.toIntExact(settings.steps()),
            Math.toIntExact(settings.restartStep()),
            settings.learningRate(),
            settings.seed());
    ModelProbe probe =
        new ModelProbe(
            tokenizer,
            endOfText,
            corpus.statesAndCapitals(),
            rows(corpus, tokenizer, endOfText, RepeatsShare.of(0)));
    try (Pretrainer trainer = new Pretrainer(config, options);
        TrainingLog log = TrainingLog.open(folder.resolve(LOG), resume)) {
      if (resume) {
        trainer.restoreCheckpoint(folder.resolve(CHECKPOINT));
      }
      out.printf(
          Locale.ROOT,
          "%,d parameters, %,d tokens of vocabulary, steps %,d to %,d%n",
          config.parameters(),
          tokenizer.size(),
          trainer.step(),
          options.steps());
      train(
          trainer,
          options.steps(),
          rows(corpus, tokenizer, endOfText, settings.repeats()),
          probe,
          log);
      ProbeResult result = trainer.withModel(probe::measure);
      tell(result);
      trainer.saveModel(folder);
      writeCard(config, corpus, result, log.seconds());
      return result;
    }
  }

  private void writeTokenizer(CorpusGenerator corpus) throws IOException {
    out.printf("Training the tokenizer on %,d documents%n", settings.tokenizerDocuments());
    out.flush();
    TokenizerFile.write(
        DemoTokenizer.train(corpus, settings.tokenizerDocuments(), settings.vocabulary()),
        folder.resolve("tokenizer.json"));
  }

  private TrainingRows rows(
      CorpusGenerator corpus, BpeTokenizer tokenizer, int endOfText, RepeatsShare repeatsShare) {
    // One more token than the context: every position then predicts a token.
    return new TrainingRows(
        corpus, tokenizer, settings.seed(), endOfText, settings.context() + 1, repeatsShare);
  }

  private void train(
      Pretrainer trainer, int steps, TrainingRows rows, ModelProbe probe, TrainingLog log)
      throws IOException {
    ExecutorService maker = Executors.newSingleThreadExecutor(PretrainRun::daemon);
    try {
      CompletableFuture<TrainingBatch> next = batch(rows, trainer.step(), maker);
      long savedAt = System.nanoTime();
      while (trainer.step() < steps) {
        TrainingBatch batch = next.join();
        next = batch(rows, trainer.step() + 1, maker);
        StepReport report = trainer.step(batch);
        log.step(report);
        boolean last = trainer.step() == steps;
        if (trainer.step() % cadence.logSteps() == 0 || last) {
          tell(log.writeSteps(report));
        }
        if (trainer.step() % cadence.probeSteps() == 0 || last) {
          ProbeResult result = trainer.withModel(probe::measure);
          log.writeProbe(trainer.step(), result);
          tell(result);
        }
        if (last || System.nanoTime() - savedAt > cadence.checkpointEvery().toNanos()) {
          trainer.saveCheckpoint(folder.resolve(CHECKPOINT));
          trainer.saveModel(folder);
          savedAt = System.nanoTime();
        }
      }
    } finally {
      maker.shutdownNow();
    }
  }

  private CompletableFuture<TrainingBatch> batch(
      TrainingRows rows, int step, ExecutorService maker) {
    long first = (long) step * settings.batch();
    return CompletableFuture.supplyAsync(() -> rows.batch(first, settings.batch()), maker);
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "training-rows");
    thread.setDaemon(true);
    return thread;
  }

  private void writeCard(
      GptConfig config, CorpusGenerator corpus, ProbeResult result, double seconds)
      throws IOException {
    List<String> titles = corpus.concepts().stream().map(Concept::title).toList();
    String card = ModelCard.of(settings, config.parameters(), titles, result, seconds);
    DurableFiles.write(folder.resolve("README.md"), card.getBytes(StandardCharsets.UTF_8));
  }

  private void tell(TrainingLog.Steps line) {
    out.printf(
        Locale.ROOT,
        "step %,d  loss %.3f  rate %.2e  %,.0f tokens/s%n",
        line.step(),
        line.loss(),
        line.learningRate(),
        line.tokensPerSecond());
    out.flush();
  }

  private void tell(ProbeResult result) {
    out.printf(
        Locale.ROOT,
        "  held-out loss %.3f  capitals %d of %d (p %.3f)  induction %.3f  previous token %.3f%n",
        result.heldOutLoss(),
        result.statesCorrect(),
        result.statesAsked(),
        result.capitalProbability(),
        result.inductionScore(),
        result.previousTokenScore());
    out.flush();
  }
}
