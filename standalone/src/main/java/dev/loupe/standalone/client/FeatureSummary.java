package dev.loupe.standalone.client;

import java.util.List;

/**
 * What the feature store knows of a feature.
 *
 * @param density share of activations at which it fires
 * @param label its best label, empty when there is none
 * @param peakTokens the tokens of its examples where it fires most, strongest first, each once
 * @param promotes tokens whose logit it raises most
 */
public record FeatureSummary(
    int feature,
    double density,
    double maxActivation,
    String label,
    List<String> peakTokens,
    List<String> promotes) {
  public FeatureSummary {
    peakTokens = List.copyOf(peakTokens);
    promotes = List.copyOf(promotes);
  }
}
