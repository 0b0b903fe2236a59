package dev.loupe.features.domain;

import java.util.Arrays;
import java.util.Optional;

/** A number of a feature that it can be sorted and filtered by. */
public enum Measure {
  DENSITY("density"),
  MAX_ACTIVATION("max_activation"),
  MEAN_ACTIVATION("mean_activation"),
  /** The best label's score, 0 without labels. */
  LABEL_SCORE("label_score");

  private final String word;

  Measure(String word) {
    this.word = word;
  }

  /** Its name in filters and orders. */
  public String word() {
    return word;
  }

  /** Its value for a feature. */
  public double of(StoredFeature feature) {
    return switch (this) {
      case DENSITY -> feature.statistics().density();
      case MAX_ACTIVATION -> feature.statistics().maxActivation();
      case MEAN_ACTIVATION -> feature.statistics().meanActivation();
      case LABEL_SCORE -> feature.labels().isEmpty() ? 0 : feature.labels().get(0).score();
    };
  }

  static Optional<Measure> named(String word) {
    return Arrays.stream(values()).filter(m -> m.word.equals(word)).findFirst();
  }
}
