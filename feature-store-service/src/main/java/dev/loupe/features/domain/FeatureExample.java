package dev.loupe.features.domain;

import java.util.List;

/**
 * A stretch of text in which a feature fires.
 *
 * @param tokens the tokens' text
 * @param values the feature's activation at each token
 * @param peak index of the token where it fires most
 */
public record FeatureExample(List<String> tokens, List<Float> values, int peak) {
  public FeatureExample {
    tokens = List.copyOf(tokens);
    values = List.copyOf(values);
  }
}
