package dev.loupe.features.domain;

import java.util.List;

/**
 * One page of features.
 *
 * @param features in the order asked; fewer than asked where they are large, but at least one where
 *     there is one
 * @param more whether others follow
 */
public record FeaturePage(List<StoredFeature> features, boolean more) {
  public FeaturePage {
    features = List.copyOf(features);
  }
}
