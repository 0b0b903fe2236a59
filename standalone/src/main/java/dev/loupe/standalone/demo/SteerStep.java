package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.FeatureClamp;
import dev.loupe.standalone.client.FeatureDirection;
import dev.loupe.standalone.client.ModelClient;
import dev.loupe.standalone.client.PromptToken;
import dev.loupe.standalone.client.TokenGuess;
import dev.loupe.standalone.terminal.DisplayText;
import dev.loupe.standalone.terminal.SideBySide;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A feature that the answer hangs on, taken away; and one that has nothing to do with it, held
 * high.
 */
final class SteerStep {
  private static final double AMPLIFICATION = 2;

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

  Optional<Result> run(
      PredictStep.Result prediction, List<PromptToken> prompt, ConceptScores.Matches matches) {
    Set<Integer> firing =
        prompt.stream()
            .flatMap(token -> token.features().stream())
            .map(PromptToken.Firing::feature)
            .collect(Collectors.toCollection(java.util.TreeSet::new));
    if (firing.isEmpty()) {
      context.terminal().line("No feature fires on the prompt, so there is none to steer.");
      return Optional.empty();
    }
    Suppression suppression = strongest(firing, prediction.best());
    int amplified = unrelated(firing, matches);
    double held = AMPLIFICATION * maximum(amplified);
    ModelClient model = context.modelClient();
    int tokens = context.settings().generatedTokens();
    String plain = model.generate(context.prompt(), tokens, List.of());
    String without = model.generate(context.prompt(), tokens, List.of(suppression.clamp));
    FeatureClamp amplify =
        FeatureClamp.hold(suppression.clamp.hookPoint(), direction(amplified), held);
    String with = model.generate(context.prompt(), tokens, List.of(amplify));
    context
        .terminal()
        .line(
            "Without %s, the belief in %s goes from %.1f %% to %.1f %%.",
            name(suppression.feature),
            DisplayText.quoted(prediction.best().token()),
            prediction.best().probability() * 100,
            suppression.probability * 100);
    context
        .terminal()
        .line("%s is held at %.1f, %.0f times its maximum.", name(amplified), held, AMPLIFICATION);
    context.terminal().line("");
    context
        .terminal()
        .table(
            new SideBySide()
                .column("default", context.prompt() + plain)
                .column("suppressed: " + name(suppression.feature), context.prompt() + without)
                .column("amplified: " + name(amplified), context.prompt() + with)
                .table());
    return Optional.of(new Result(suppression.feature, suppression.probability, amplified));
  }

  private record Suppression(int feature, double probability, FeatureClamp clamp) {}

  /** Of the features on the prompt, the one without which the answer becomes least likely. */
  private Suppression strongest(Set<Integer> firing, TokenGuess answer) {
    Suppression best = null;
    for (int feature : firing) {
      FeatureClamp clamp =
          FeatureClamp.suppress(
              context.settings().training().hookPoint(), direction(feature), threshold(feature));
      double probability =
          context.modelClient().probability(context.prompt(), answer.id(), List.of(clamp));
      if (best == null || probability < best.probability) {
        best = new Suppression(feature, probability, clamp);
      }
    }
    return best;
  }

  /** Of the features that do not fire on the prompt, the best labelled one, else the strongest. */
  private int unrelated(Set<Integer> firing, ConceptScores.Matches matches) {
    Optional<Integer> labelled =
        matches.byConcept().stream()
            .filter(fit -> !firing.contains(fit.unit()))
            .max(java.util.Comparator.comparingDouble(ConceptFit::f1))
            .map(ConceptFit::unit);
    return labelled.orElseGet(
        () ->
            IntStream.range(0, activations.choose().count())
                .filter(feature -> !firing.contains(feature))
                .boxed()
                .max(java.util.Comparator.comparingDouble(this::maximum))
                .orElseThrow());
  }

  private FeatureDirection direction(int feature) {
    return context.client().dictionaries().directions(dictionary, List.of(feature)).get(0);
  }

  private double maximum(int feature) {
    double maximum = 0;
    for (float value : activations.choose().column(feature).values()) {
      maximum = Math.max(maximum, value);
    }
    return maximum;
  }

  /**
   * The smallest activation that the dictionary kept: below it, the feature would not be among the
   * k.
   */
  private double threshold(int feature) {
    double smallest = Double.MAX_VALUE;
    for (float value : activations.choose().column(feature).values()) {
      smallest = Math.min(smallest, value);
    }
    return smallest == Double.MAX_VALUE ? 0 : smallest;
  }

  private String name(int feature) {
    String label = labels.get(feature);
    return label == null ? "feature " + feature : "feature " + feature + " (" + label + ")";
  }
}
