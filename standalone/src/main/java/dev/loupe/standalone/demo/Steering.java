package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.FeatureClamp;
import dev.loupe.standalone.client.FeatureDirection;
import dev.loupe.standalone.client.FeatureSummary;
import dev.loupe.standalone.client.ModelClient;
import java.util.Arrays;
import java.util.List;

/** Tries features one by one, and keeps the one that does most. */
final class Steering {
  private static final List<Integer> FACTORS = List.of(1, 2, 4);
  private static final int SHORTEST_WORD = 3;

  private final DemoContext context;
  private final FeatureActivations activations;
  private final String dictionary;
  private final ModelClient model;

  Steering(DemoContext context, String dictionary, FeatureActivations activations) {
    this.context = context;
    this.dictionary = dictionary;
    this.activations = activations;
    this.model = context.modelClient();
  }

  /**
   * A feature taken away.
   *
   * @param probability of the model's answer without the feature
   * @param text what the model writes without it
   */
  record Suppression(int feature, double probability, String text) {}

  /**
   * A feature held high.
   *
   * @param factor how many times its maximum
   * @param words how many of the tokens that it fires on are in the text and were not
   */
  record Amplification(int feature, int factor, int words, String text) {
    /** More of the feature's own words; among equals, the text that repeats itself less. */
    boolean beats(Amplification other) {
      return other == null
          || words > other.words
          || (words == other.words && variety() > other.variety());
    }

    private long variety() {
      return Arrays.stream(text.split("\\s+")).distinct().count();
    }
  }

  /** Of some features, the one without which the model's answer becomes least likely. */
  Suppression suppress(List<Integer> candidates, int answer) {
    FeatureClamp best = null;
    double lowest = Double.POSITIVE_INFINITY;
    for (int feature : candidates) {
      FeatureClamp clamp =
          FeatureClamp.suppress(
              hookPoint(), direction(feature), activations.choose().minimum(feature));
      double probability = model.probability(context.prompt(), answer, List.of(clamp));
      if (probability < lowest) {
        lowest = probability;
        best = clamp;
      }
    }
    String text =
        model.generate(context.prompt(), context.settings().generatedTokens(), List.of(best));
    return new Suppression(best.vectors().feature(), lowest, text);
  }

  /**
   * Of some features and strengths, the one that brings most of the feature's own words into the
   * text.
   */
  Amplification amplify(List<Integer> candidates, String plain) {
    Amplification best = null;
    for (FeatureSummary feature : context.client().features(dictionary).get(candidates)) {
      FeatureDirection direction = direction(feature.feature());
      for (int factor : FACTORS) {
        FeatureClamp hold =
            FeatureClamp.hold(
                hookPoint(), direction, factor * activations.choose().maximum(feature.feature()));
        String text =
            model.generate(context.prompt(), context.settings().generatedTokens(), List.of(hold));
        int words = (int) feature.peakTokens().stream().filter(w -> isNew(w, text, plain)).count();
        Amplification tried = new Amplification(feature.feature(), factor, words, text);
        best = tried.beats(best) ? tried : best;
      }
    }
    return best;
  }

  private static boolean isNew(String word, String text, String plain) {
    return word.strip().length() >= SHORTEST_WORD && text.contains(word) && !plain.contains(word);
  }

  private String hookPoint() {
    return context.settings().training().hookPoint();
  }

  private FeatureDirection direction(int feature) {
    return context.client().dictionaries().directions(dictionary, List.of(feature)).get(0);
  }
}
