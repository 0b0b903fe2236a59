package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.DictionaryClient;
import dev.loupe.standalone.client.TrainingReport;
import dev.loupe.standalone.client.TrainingSpec;
import dev.loupe.standalone.terminal.ProgressBar;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** Streams activations, and trains a TopK dictionary on them. */
final class TrainStep {
  private static final int STREAMED_ROWS = 512;
  private static final int STREAM_BATCH = 64;

  private final DemoContext context;
  private final TrainingText training;

  TrainStep(DemoContext context, TrainingText training) {
    this.context = context;
    this.training = training;
  }

  /**
   * What was made.
   *
   * @param dictionary {@code dictionaries/{dictionary}}
   * @param streamRowsPerSecond activations that one reader gets per second
   * @param trainRowsPerSecond activations trained on per second; empty when an earlier run's
   *     dictionary was used
   */
  record Result(String dictionary, double streamRowsPerSecond, OptionalDouble trainRowsPerSecond) {}

  Result run() {
    TrainingSpec spec = context.settings().training();
    double stream = measureStream(spec.hookPoint());
    String id = dictionaryId(spec);
    DictionaryClient dictionaries = context.client().dictionaries();
    if (dictionaries.find("dictionaries/" + id).isPresent()) {
      context
          .terminal()
          .line("An earlier run trained this very dictionary (%s): it is used again.", id);
      return new Result("dictionaries/" + id, stream, OptionalDouble.empty());
    }
    return train(id, spec, stream);
  }

  private double measureStream(String hookPoint) {
    List<int[]> rows = training.rows().stream().limit(STREAMED_ROWS).toList();
    long activations = rows.stream().mapToLong(row -> row.length).sum();
    long started = System.nanoTime();
    context.withBar(
        "streaming " + hookPoint,
        progress ->
            context
                .client()
                .activations(context.model().name())
                .read(
                    List.of(hookPoint),
                    rows,
                    STREAM_BATCH,
                    batch ->
                        progress.at(
                            Math.min((batch.batch() + 1L) * STREAM_BATCH, rows.size()),
                            rows.size())));
    double rate = activations / ((System.nanoTime() - started) / 1e9);
    context
        .terminal()
        .line("%,d activations of %s streamed, %,.0f a second.", activations, hookPoint, rate);
    return rate;
  }

  private Result train(String id, TrainingSpec spec, double stream) {
    context
        .terminal()
        .line(
            "TopK dictionary: %,d features, %d active for each activation; %,d steps of %,d"
                + " activations.",
            spec.features(), spec.k(), spec.steps(), spec.batchSize());
    String corpus = training.store(context);
    long[] rows = new long[1];
    long started = System.nanoTime();
    String dictionary;
    try (ProgressBar bar = context.terminal().progress("training")) {
      dictionary =
          context
              .client()
              .dictionaries()
              .train(
                  id,
                  context.model().name(),
                  corpus,
                  spec,
                  report -> {
                    rows[0] = report.rows();
                    bar.at(report.step(), report.totalSteps(), note(report));
                  });
    }
    double rate = rows[0] / ((System.nanoTime() - started) / 1e9);
    context.terminal().line("Trained on %,d activations, %,.0f a second.", rows[0], rate);
    return new Result(dictionary, stream, OptionalDouble.of(rate));
  }

  private static String note(TrainingReport report) {
    return String.format(
        Locale.ROOT,
        "explained variance %.3f, L0 %.1f, dead %.1f %%",
        report.explainedVariance(),
        report.l0(),
        report.deadFraction() * 100);
  }

  private String dictionaryId(TrainingSpec spec) {
    return "demo-" + Fingerprint.of(context.model().weightsSha256(), training.id(), spec);
  }
}
