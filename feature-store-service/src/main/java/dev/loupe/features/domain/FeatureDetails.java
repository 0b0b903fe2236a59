package dev.loupe.features.domain;

import java.util.List;
import java.util.Optional;

/**
 * What the basic view of a feature leaves out.
 *
 * @param histogram its activations above zero, counted by size
 * @param examples where it fires most
 * @param logits what it does to the logits
 * @param neighbours features with the most similar decoder direction
 */
public record FeatureDetails(
    Optional<ActivationHistogram> histogram,
    List<FeatureExample> examples,
    LogitEffects logits,
    List<FeatureNeighbour> neighbours) {
  public FeatureDetails {
    examples = List.copyOf(examples);
    neighbours = List.copyOf(neighbours);
  }
}
