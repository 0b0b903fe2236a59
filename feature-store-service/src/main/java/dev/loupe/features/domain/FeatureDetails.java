package dev.loupe.features.domain;

import java.util.List;
import java.util.Optional;

/**
 * What the basic view of a feature leaves out.
 *
 * @param histogram its activations above zero, counted by size
 * @param examples where it fires most
 * @param topLogits tokens whose logit it raises most
 * @param bottomLogits tokens whose logit it lowers most
 * @param neighbours features with the most similar decoder direction
 */
public record FeatureDetails(
    Optional<ActivationHistogram> histogram,
    List<FeatureExample> examples,
    List<TokenEffect> topLogits,
    List<TokenEffect> bottomLogits,
    List<FeatureNeighbour> neighbours) {
  public FeatureDetails {
    examples = List.copyOf(examples);
    topLogits = List.copyOf(topLogits);
    bottomLogits = List.copyOf(bottomLogits);
    neighbours = List.copyOf(neighbours);
  }
}
