package dev.loupe.sae.evaluation;

import java.util.Arrays;

/**
 * Counts of features by {@code log10(firing share + 1e-10)}, in 40 bins of a quarter of a decade
 * from -10 to 0. A feature that never fires lies in the first.
 *
 * @param edges of the bins, ascending; one more than there are counts
 * @param counts of features
 */
public record DensityHistogram(double[] edges, long[] counts) {
  private static final int BINS = 40;
  private static final double LOWEST = -10;
  private static final double FLOOR = 1e-10;

  /** Counts features with these firing shares. */
  static DensityHistogram of(double[] densities) {
    double[] edges = new double[BINS + 1];
    for (int i = 0; i <= BINS; i++) {
      edges[i] = LOWEST * (BINS - i) / BINS;
    }
    long[] counts = new long[BINS];
    for (double density : densities) {
      double place = (Math.log10(density + FLOOR) - LOWEST) / -LOWEST * BINS;
      counts[(int) Math.max(0, Math.min(BINS - 1, Math.floor(place)))]++;
    }
    return new DensityHistogram(edges, counts);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof DensityHistogram that
        && Arrays.equals(edges, that.edges)
        && Arrays.equals(counts, that.counts);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(counts);
  }

  @Override
  public String toString() {
    return "DensityHistogram" + Arrays.toString(counts);
  }
}
