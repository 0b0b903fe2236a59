package dev.loupe.features.domain;

import java.util.List;

/**
 * Counts of activations above zero in bins of equal width.
 *
 * @param lower lower edge of the first bin
 * @param upper upper edge of the last bin
 * @param counts one for each bin
 */
public record ActivationHistogram(double lower, double upper, List<Long> counts) {
  public ActivationHistogram {
    counts = List.copyOf(counts);
  }
}
