package dev.loupe.sae.publishing;

/**
 * How a feature behaves over a corpus.
 *
 * @param activations read
 * @param fired how many of them it fired at
 * @param max its largest activation, 0 when it never fired
 * @param mean its mean activation where it fired, 0 when it never did
 * @param histogramUpper upper edge of the histogram, whose lower edge is 0
 * @param histogram counts of activations above 0 in bins of equal width
 */
public record FeatureStatistics(
    long activations,
    long fired,
    double max,
    double mean,
    double histogramUpper,
    long[] histogram) {

  /** Share of activations at which it fired. */
  public double density() {
    return activations == 0 ? 0 : (double) fired / activations;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FeatureStatistics that
        && activations == that.activations
        && fired == that.fired
        && max == that.max;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(fired);
  }

  @Override
  public String toString() {
    return "FeatureStatistics[fired=" + fired + " of " + activations + ", max=" + max + "]";
  }
}
