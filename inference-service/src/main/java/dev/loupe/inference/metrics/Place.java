package dev.loupe.inference.metrics;

/**
 * A position whose prediction a metric reads.
 *
 * @param row of the batch
 * @param position absolute
 */
public record Place(int row, int position) {}
