package dev.loupe.features.domain;

import java.util.List;

/**
 * A feature as it is given to the store.
 *
 * @param id what it is stored under
 * @param statistics how it behaves over a corpus
 * @param details histogram, examples, logits and neighbours
 * @param labels labels to add or replace; those that are stored under other names stay
 */
public record Feature(
    FeatureId id, FeatureStatistics statistics, FeatureDetails details, List<FeatureLabel> labels) {
  public Feature {
    labels = List.copyOf(labels);
  }
}
