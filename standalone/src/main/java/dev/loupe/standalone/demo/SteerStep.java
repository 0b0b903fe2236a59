package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.PromptToken;
import dev.loupe.standalone.client.TokenGuess;
import dev.loupe.standalone.terminal.DisplayText;
import dev.loupe.standalone.terminal.SideBySide;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A feature that the model's answer hangs on, taken away; and one that has nothing to do with it,
 * held high.
 */
final class SteerStep {
  /**
   * A feature that fires on more of all tokens than this is part of everything, and no use to steer
   * with.
   */
  private static final double DENSEST = 0.1;

  private static final int CANDIDATES = 16;
  private static final int FEATURES_EACH = 16;

  private final DemoContext context;
  private final String dictionary;
  private final FeatureActivations activations;
  private final Map<Integer, String> labels;

  SteerStep(
      DemoContext context,
      String dictionary,
      FeatureActivations activations,
      Map<Integer, String> labels) {
    this.context = context;
    this.dictionary = dictionary;
    this.activations = activations;
    this.labels = labels;
  }

  /**
   * What was tried.
   *
   * @param suppressed the feature that was taken away
   * @param probability of the model's answer, with that feature taken away
   * @param amplified the feature that was held high
   */
  record Result(int suppressed, double probability, int amplified) {}

  Optional<Result> run(TokenGuess answer, ConceptScores.Matches matches) {
    String plain =
        context
            .modelClient()
            .generate(context.prompt(), context.settings().generatedTokens(), List.of());
    List<Integer> sparse =
        firing(context.prompt()).stream().filter(f -> density(f) <= DENSEST).toList();
    List<Integer> unrelated = unrelated(firing(context.prompt() + plain), matches);
    if (sparse.isEmpty() || unrelated.isEmpty()) {
      context.terminal().line("No feature fires on this text alone, so there is none to steer.");
      return Optional.empty();
    }
    Steering steering = new Steering(context, dictionary, activations);
    Steering.Suppression suppression = steering.suppress(sparse, answer.id());
    Steering.Amplification amplification = steering.amplify(unrelated, plain);
    explain(suppression, amplification, answer, sparse.size(), unrelated.size());
    context
        .terminal()
        .table(
            new SideBySide()
                .column("default", context.prompt() + plain)
                .column(
                    "suppressed: " + name(suppression.feature()),
                    context.prompt() + suppression.text())
                .column(
                    "amplified: " + name(amplification.feature()),
                    context.prompt() + amplification.text())
                .table());
    return Optional.of(
        new Result(suppression.feature(), suppression.probability(), amplification.feature()));
  }

  private void explain(
      Steering.Suppression suppression,
      Steering.Amplification amplification,
      TokenGuess answer,
      int tried,
      int unrelated) {
    context
        .terminal()
        .line(
            "Of the %d features that fire on the prompt, %s matters most: without it, the belief in %s goes from"
                + " %.1f %% to %.1f %%.",
            tried,
            name(suppression.feature()),
            DisplayText.quoted(answer.token()),
            answer.probability() * 100,
            suppression.probability() * 100);
    context
        .terminal()
        .line(
            "Of %d features that have nothing to do with its text, %s, held at %d times its maximum, brings in most of the"
                + " words that it fires on.",
            unrelated, name(amplification.feature()), amplification.factor());
    context.terminal().line("");
  }

  private TreeSet<Integer> firing(String text) {
    return context
        .client()
        .analysis()
        .analyze(context.model().name(), dictionary, text, FEATURES_EACH)
        .stream()
        .flatMap(token -> token.features().stream())
        .map(PromptToken.Firing::feature)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private double density(int feature) {
    return (double) activations.choose().column(feature).tokens().length
        / activations.chooseText().tokens();
  }

  /** Features that do not fire on the text: the best labelled ones, else the strongest. */
  private List<Integer> unrelated(TreeSet<Integer> firing, ConceptScores.Matches matches) {
    List<Integer> labelled =
        matches.byConcept().stream()
            .sorted(Comparator.comparingDouble((ConceptFit fit) -> -fit.f1()))
            .map(ConceptFit::unit)
            .distinct()
            .filter(unit -> !firing.contains(unit))
            .limit(CANDIDATES)
            .toList();
    if (!labelled.isEmpty()) {
      return labelled;
    }
    return IntStream.range(0, activations.choose().count())
        .filter(feature -> !firing.contains(feature))
        .filter(feature -> activations.choose().maximum(feature) > 0)
        .boxed()
        .sorted(Comparator.comparingDouble(feature -> -activations.choose().maximum(feature)))
        .limit(CANDIDATES)
        .toList();
  }

  private String name(int feature) {
    String label = labels.get(feature);
    return label == null ? "feature " + feature : "feature " + feature + " (" + label + ")";
  }
}
