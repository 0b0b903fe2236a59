package dev.loupe.inference.generation;

import java.util.Arrays;

/**
 * The fewest likeliest tokens that together reach a share of all probability. Without a sort of the
 * whole vocabulary: probabilities are summed by size class, and only the class in which the share
 * is reached is sorted.
 */
final class Nucleus {
  /** What is left of a positive float's bits: its exponent and the four highest of its fraction. */
  private static final int SHIFT = 19;

  private static final int CLASSES = 1 << (31 - SHIFT);

  private Nucleus() {}

  /**
   * The key of the last token that belongs to it.
   *
   * @param weights none negative
   * @param share in (0, 1)
   */
  static long lastOf(float[] weights, double share) {
    double[] sums = new double[CLASSES];
    double all = 0;
    for (float weight : weights) {
      sums[sizeClass(weight)] += weight;
    }
    for (double sum : sums) {
      all += sum;
    }
    double target = share * all;
    double reached = 0;
    int crossed = CLASSES - 1;
    while (crossed > 0 && reached + sums[crossed] < target) {
      reached += sums[crossed--];
    }
    long[] keys = keys(weights, crossed);
    for (long key : keys) {
      reached += weights[(int) key];
      if (reached >= target) {
        return key;
      }
    }
    // Rounding may keep the sum just below the target; weights that are no numbers are in no class.
    return keys.length == 0 ? Long.MAX_VALUE : keys[keys.length - 1];
  }

  /** How many of some ranked probabilities belong to their nucleus, at least one. */
  static int sizeOf(float[] ranked, double share) {
    double all = 0;
    for (float weight : ranked) {
      all += weight;
    }
    double reached = 0;
    for (int i = 0; i < ranked.length; i++) {
      reached += ranked[i];
      if (reached >= share * all) {
        return i + 1;
      }
    }
    return ranked.length;
  }

  private static long[] keys(float[] weights, int sizeClass) {
    long[] keys = new long[weights.length];
    int count = 0;
    for (int i = 0; i < weights.length; i++) {
      if (sizeClass(weights[i]) == sizeClass) {
        keys[count++] = RankedTokens.key(weights[i], i);
      }
    }
    Arrays.sort(keys, 0, count);
    return Arrays.copyOf(keys, count);
  }

  private static int sizeClass(float weight) {
    return Float.floatToIntBits(weight) >>> SHIFT & (CLASSES - 1);
  }
}
