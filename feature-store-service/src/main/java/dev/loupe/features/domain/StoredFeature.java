package dev.loupe.features.domain;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A feature as the store has it.
 *
 * @param id what it is stored under
 * @param statistics how it behaves over a corpus
 * @param labels its labels, best score first, ties by name
 * @param full empty in the basic view
 */
public record StoredFeature(
    FeatureId id, FeatureStatistics statistics, List<FeatureLabel> labels, Optional<Full> full) {
  public StoredFeature {
    labels = List.copyOf(labels);
  }

  /**
   * What the full view adds.
   *
   * @param details histogram, examples, logits and neighbours
   * @param updateTime when the feature was last written, labels not counted
   */
  public record Full(FeatureDetails details, Instant updateTime) {}
}
