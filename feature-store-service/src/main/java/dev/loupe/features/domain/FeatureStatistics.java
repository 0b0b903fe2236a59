package dev.loupe.features.domain;

/**
 * How a feature behaves over a corpus.
 *
 * @param activations activations that were read
 * @param density share of them at which it fired, in [0, 1]
 * @param maxActivation largest activation, 0 when it never fired
 * @param meanActivation mean activation where it fired, 0 when it never did
 */
public record FeatureStatistics(
    long activations, double density, double maxActivation, double meanActivation) {

  /** Of a feature of which nothing was measured. */
  public static final FeatureStatistics NONE = new FeatureStatistics(0, 0, 0, 0);
}
