package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.ConceptLabel;
import dev.loupe.standalone.client.FeatureClient;
import dev.loupe.standalone.terminal.Table;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Fills the feature store: every feature with its examples and logits, and a label for those that
 * stand for a concept.
 */
final class PublishStep {
  /** A feature is given a concept's name from this F1 on. */
  private static final double LABELLED_FROM = 0.3;

  private static final String SOURCE = "concept-match";
  private static final int EXAMPLES = 12;
  private static final int SHOWN = 12;

  private final DemoContext context;
  private final TrainingText heldOut;

  PublishStep(DemoContext context, TrainingText heldOut) {
    this.context = context;
    this.heldOut = heldOut;
  }

  /**
   * What the dictionary's features stand for.
   *
   * @param matches how well features stand for concepts; empty without labels
   * @param labels the label of every feature that has one
   */
  record Result(ConceptScores.Matches matches, Map<Integer, String> labels) {}

  Result run(String dictionary, FeatureActivations activations) {
    FeatureClient store = context.client().features(dictionary);
    String corpus = heldOut.store(context);
    long[] published = new long[1];
    context.withBar(
        "publishing features",
        progress ->
            published[0] =
                context.client().dictionaries().publish(dictionary, corpus, EXAMPLES, progress));
    context
        .terminal()
        .line("%,d features are in the store, with examples and logits.", published[0]);
    if (!context.labelled()) {
      context.terminal().line("Without concept labels in the text, no feature is named.");
      return new Result(new ConceptScores.Matches(List.of(), List.of()), Map.of());
    }
    ConceptScores scores =
        new ConceptScores(
            activations.chooseText().labels(),
            activations.reportText().labels(),
            context.text().concepts().size());
    ConceptScores.Matches matches = scores.best(activations.choose(), activations.report());
    List<ConceptLabel> labels =
        matches.byUnit().stream()
            .filter(fit -> fit.f1() >= LABELLED_FROM)
            .map(fit -> new ConceptLabel(fit.unit(), title(fit), fit.f1()))
            .toList();
    store.label(SOURCE, labels);
    show(matches, labels.size());
    return new Result(
        matches,
        labels.stream()
            .collect(
                Collectors.toMap(
                    ConceptLabel::feature, ConceptLabel::text, (a, b) -> a, TreeMap::new)));
  }

  private void show(ConceptScores.Matches matches, int labelled) {
    context
        .terminal()
        .line(
            "%,d features stand for a concept with an F1 of %.1f or more on text that the choice did"
                + " not see, and are labelled. The best for each concept:",
            labelled, LABELLED_FROM);
    Table table = new Table("concept", "feature", "F1", "precision", "recall");
    matches.byConcept().stream()
        .sorted(Comparator.comparingDouble((ConceptFit fit) -> -fit.f1()))
        .limit(SHOWN)
        .forEach(
            fit ->
                table.row(
                    title(fit),
                    Integer.toString(fit.unit()),
                    share(fit.f1()),
                    share(fit.precision()),
                    share(fit.recall())));
    context.terminal().table(table);
  }

  private String title(ConceptFit fit) {
    return context.text().concepts().get(fit.concept());
  }

  private static String share(double value) {
    return String.format(Locale.ROOT, "%.2f", value);
  }
}
