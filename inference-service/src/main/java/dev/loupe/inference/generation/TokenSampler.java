package dev.loupe.inference.generation;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Draws tokens from logits: temperature first, then top-k, then nucleus (top-p, Holtzman et al.
 * 2020). One random number is used for each token, so a seed gives the same tokens from the same
 * logits.
 */
public final class TokenSampler {
  private final SamplingOptions options;
  private final SplittableRandom random;

  /** A sampler at the start of its random sequence. */
  public TokenSampler(SamplingOptions options) {
    this.options = options;
    this.random = new SplittableRandom(options.seed());
  }

  /** Draws one token; logits are [d_vocab]. */
  public int next(float[] logits) {
    if (options.temperature() == 0) {
      return likeliest(logits);
    }
    double draw = random.nextDouble();
    long[] ranked = ranked(logits);
    int count = options.topK() > 0 ? Math.min(options.topK(), ranked.length) : ranked.length;
    double[] weights = new double[count];
    double largest = logits[id(ranked[0])] / options.temperature();
    double sum = 0;
    for (int i = 0; i < count; i++) {
      weights[i] = Math.exp(logits[id(ranked[i])] / options.temperature() - largest);
      sum += weights[i];
    }
    return id(ranked[pick(weights, sum, draw)]);
  }

  /** The place of a draw among weights, of which only the first that reach top-p count. */
  private int pick(double[] weights, double sum, double draw) {
    int kept = 0;
    double keptSum = 0;
    while (kept < weights.length && (kept == 0 || keptSum < options.topP() * sum)) {
      keptSum += weights[kept++];
    }
    double target = draw * keptSum;
    double reached = 0;
    for (int i = 0; i < kept; i++) {
      reached += weights[i];
      if (target < reached) {
        return i;
      }
    }
    return kept - 1;
  }

  private static int likeliest(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }

  /** Ids by falling logit, ties by lower id: each is a sortable logit above and the id below. */
  private static long[] ranked(float[] logits) {
    long[] keys = new long[logits.length];
    for (int i = 0; i < keys.length; i++) {
      int bits = Float.floatToIntBits(logits[i] == 0 ? 0f : logits[i]);
      int ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF); // grows with the float
      keys[i] = ((long) ~ordered << 32) | i;
    }
    Arrays.sort(keys);
    return keys;
  }

  private static int id(long key) {
    return (int) key;
  }
}
