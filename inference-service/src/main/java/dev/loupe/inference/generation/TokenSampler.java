package dev.loupe.inference.generation;

import java.util.SplittableRandom;

/**
 * Draws tokens from probabilities: top-k first, then nucleus (top-p, Holtzman et al. 2020). One
 * random number is used for each token, so a seed gives the same tokens from the same
 * probabilities.
 */
public final class TokenSampler {
  private static final int FIRST_RANKED = 64;

  private final SamplingOptions options;
  private final SplittableRandom random;

  /** A sampler at the start of its random sequence. */
  public TokenSampler(SamplingOptions options) {
    this.options = options;
    this.random = new SplittableRandom(options.seed());
  }

  /**
   * Draws one token.
   *
   * @param scores [d_vocab]: logits for the greedy choice, else probabilities at the temperature,
   *     up to a factor
   */
  public int next(float[] scores) {
    if (options.isGreedy()) {
      return likeliest(scores);
    }
    double draw = random.nextDouble();
    boolean filtered = options.topK() > 0 || options.topP() < 1;
    return filtered ? filtered(scores, draw) : unfiltered(scores, draw);
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

  private static int unfiltered(float[] weights, double draw) {
    double target = draw * sum(weights);
    double reached = 0;
    int last = 0;
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] > 0) {
        last = i;
        reached += weights[i];
        if (target < reached) {
          return i;
        }
      }
    }
    return last;
  }

  private int filtered(float[] weights, double draw) {
    int most = options.topK() > 0 ? Math.min(options.topK(), weights.length) : weights.length;
    if (options.topP() >= 1) {
      int[] ranked = RankedTokens.largest(weights, most);
      return pick(weights, ranked, ranked.length, draw);
    }
    double whole = options.topK() > 0 ? Double.NaN : sum(weights);
    for (int count = Math.min(most, FIRST_RANKED); ; count = Math.min(most, 8 * count)) {
      int[] ranked = RankedTokens.largest(weights, options.topK() > 0 ? most : count);
      double of = options.topK() > 0 ? sum(weights, ranked) : whole;
      int kept = nucleus(weights, ranked, options.topP() * of);
      if (kept > 0 || ranked.length == most) {
        return pick(weights, ranked, kept > 0 ? kept : ranked.length, draw);
      }
    }
  }

  /** The fewest of the ranked tokens that reach a sum, at least one; 0 when all do not. */
  private static int nucleus(float[] weights, int[] ranked, double sum) {
    double reached = 0;
    for (int i = 0; i < ranked.length; i++) {
      reached += weights[ranked[i]];
      if (reached >= sum) {
        return i + 1;
      }
    }
    return 0;
  }

  private static int pick(float[] weights, int[] ranked, int kept, double draw) {
    double sum = 0;
    for (int i = 0; i < kept; i++) {
      sum += weights[ranked[i]];
    }
    double target = draw * sum;
    double reached = 0;
    for (int i = 0; i < kept; i++) {
      reached += weights[ranked[i]];
      if (target < reached) {
        return ranked[i];
      }
    }
    return ranked[kept - 1];
  }

  private static double sum(float[] weights) {
    double sum = 0;
    for (float weight : weights) {
      sum += weight;
    }
    return sum;
  }

  private static double sum(float[] weights, int[] ids) {
    double sum = 0;
    for (int id : ids) {
      sum += weights[id];
    }
    return sum;
  }
}
