package dev.loupe.inference.neurons;

import java.util.Arrays;
import java.util.Optional;

/**
 * Running statistics of many units. Values come in blocks; a block's moments are taken about its
 * own means, and joined with those before in double (Chan, Golub and LeVeque 1979), so that a large
 * mean does not hide a small variance. The loops run along the units, which lets the compiler
 * vectorise them. Not thread-safe.
 */
final class StatisticsTable {
  private final int units;
  private final double[] means;
  private final double[] squares; // summed distances from the mean
  private final float[] minima;
  private final float[] maxima;
  private final long[] active;
  private final int[] histogram; // [unit, bucket], or null
  private long count;

  // Of the last block.
  private final float[] sums;
  private final float[] blockMaxima;
  private final float[] blockMinima;
  private final float[] actives;
  private final float[] offsets;
  private final float[] distances;

  StatisticsTable(int units, boolean histogram) {
    this.units = units;
    means = new double[units];
    squares = new double[units];
    minima = new float[units];
    maxima = new float[units];
    active = new long[units];
    Arrays.fill(minima, Float.POSITIVE_INFINITY);
    Arrays.fill(maxima, Float.NEGATIVE_INFINITY);
    this.histogram = histogram ? new int[Math.multiplyExact(units, Histogram.BUCKETS)] : null;
    sums = new float[units];
    blockMaxima = new float[units];
    blockMinima = new float[units];
    actives = new float[units];
    offsets = new float[units];
    distances = new float[units];
  }

  /** Bytes that a table takes. */
  static long bytes(long units, boolean histogram) {
    return units * (56 + (histogram ? Integer.BYTES * Histogram.BUCKETS : 0));
  }

  /** Each unit's largest value in the last block. */
  float[] blockMaxima() {
    return blockMaxima;
  }

  /**
   * Takes a block in.
   *
   * @param block [token, unit]
   * @param tokens 1 or more
   */
  void add(float[] block, int tokens) {
    first(block, tokens);
    second(block, tokens);
    join(tokens);
    if (histogram != null) {
      for (int i = 0, from = 0; i < tokens; i++, from += units) {
        for (int unit = 0; unit < units; unit++) {
          histogram[unit * Histogram.BUCKETS + Histogram.bucket(block[from + unit])]++;
        }
      }
    }
  }

  private void first(float[] block, int tokens) {
    Arrays.fill(sums, 0);
    Arrays.fill(actives, 0);
    System.arraycopy(block, 0, blockMaxima, 0, units);
    System.arraycopy(block, 0, blockMinima, 0, units);
    for (int i = 0, from = 0; i < tokens; i++, from += units) {
      for (int unit = 0; unit < units; unit++) {
        float value = block[from + unit];
        sums[unit] += value;
        blockMaxima[unit] = Math.max(blockMaxima[unit], value);
        blockMinima[unit] = Math.min(blockMinima[unit], value);
      }
    }
    for (int i = 0, from = 0; i < tokens; i++, from += units) {
      for (int unit = 0; unit < units; unit++) {
        // 1 for the smallest positive number too, without a branch.
        actives[unit] += Math.min(1f, Math.max(0f, block[from + unit] * 1e38f * 1e38f));
      }
    }
  }

  private void second(float[] block, int tokens) {
    Arrays.fill(offsets, 0);
    Arrays.fill(distances, 0);
    for (int unit = 0; unit < units; unit++) {
      sums[unit] /= tokens;
    }
    for (int i = 0, from = 0; i < tokens; i++, from += units) {
      for (int unit = 0; unit < units; unit++) {
        float offset = block[from + unit] - sums[unit];
        offsets[unit] += offset;
        distances[unit] += offset * offset;
      }
    }
  }

  private void join(int tokens) {
    double total = count + (double) tokens;
    for (int unit = 0; unit < units; unit++) {
      double offset = (double) offsets[unit] / tokens;
      double mean = sums[unit] + offset;
      double distance = Math.max(0, distances[unit] - tokens * offset * offset);
      double difference = mean - means[unit];
      means[unit] += difference * tokens / total;
      squares[unit] += distance + difference * difference * count * tokens / total;
      minima[unit] = Math.min(minima[unit], blockMinima[unit]);
      maxima[unit] = Math.max(maxima[unit], blockMaxima[unit]);
      active[unit] += (long) actives[unit];
    }
    count += tokens;
  }

  /** What is known of a unit. */
  Statistics of(int unit) {
    Optional<int[]> buckets =
        Optional.ofNullable(histogram)
            .map(
                all ->
                    Arrays.copyOfRange(
                        all, unit * Histogram.BUCKETS, (unit + 1) * Histogram.BUCKETS));
    return count == 0
        ? new Statistics(0, 0, 0, 0, 0, 0, buckets)
        : new Statistics(
            count,
            means[unit],
            squares[unit] / count,
            minima[unit],
            maxima[unit],
            active[unit],
            buckets);
  }
}
