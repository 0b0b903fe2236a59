package dev.loupe.sae.publishing;

/**
 * Counts, sums and histograms of every feature's activations in one pass, without knowing how large
 * they will get: a histogram that is too short doubles its range by joining neighbouring bins.
 */
final class ActivationCounts {
  static final int BINS = 40;

  private final long[] fired;
  private final double[] sums;
  private final float[] largest;
  private final double[] upper;
  private final long[][] bins;
  private long activations;

  ActivationCounts(int dSae) {
    this.fired = new long[dSae];
    this.sums = new double[dSae];
    this.largest = new float[dSae];
    this.upper = new double[dSae];
    this.bins = new long[dSae][];
  }

  void addActivations(long count) {
    activations += count;
  }

  long activations() {
    return activations;
  }

  /** Counts one activation above 0. */
  void add(int feature, float value) {
    fired[feature]++;
    sums[feature] += value;
    largest[feature] = Math.max(largest[feature], value);
    if (bins[feature] == null) {
      bins[feature] = new long[BINS];
      // A power of two, so that the edges do not depend on which activation came first.
      upper[feature] = Math.scalb(1.0, Math.getExponent(value) + 1);
    }
    while (value > upper[feature]) {
      widen(feature);
    }
    int bin = (int) (value / upper[feature] * BINS);
    bins[feature][Math.min(bin, BINS - 1)]++;
  }

  FeatureStatistics statistics(int feature) {
    long count = fired[feature];
    return new FeatureStatistics(
        activations,
        count,
        largest[feature],
        count == 0 ? 0 : sums[feature] / count,
        upper[feature],
        count == 0 ? new long[0] : bins[feature].clone());
  }

  private void widen(int feature) {
    long[] old = bins[feature];
    long[] joined = new long[BINS];
    for (int i = 0; i < BINS; i++) {
      joined[i / 2] += old[i];
    }
    bins[feature] = joined;
    upper[feature] *= 2;
  }
}
