package dev.loupe.inference.generation;

import java.util.SplittableRandom;

/**
 * Draws tokens from probabilities: top-k first, then nucleus (top-p, Holtzman et al. 2020). One
 * random number is used for each token, so a seed gives the same tokens from the same
 * probabilities.
 */
public final class TokenSampler {
  private static final long ALL = Long.MAX_VALUE;

  private final SamplingOptions options;
  private final SplittableRandom random;

  /**
   * A sampler at the start of its random sequence.
   *
   * @param stream which of the seed's sequences, from 0
   */
  public TokenSampler(SamplingOptions options, int stream) {
    this.options = options;
    this.random = random(options.seed(), stream);
  }

  /** Stream 0 is the seed's own; the others are seeded by what a generator split off it draws. */
  private static SplittableRandom random(long seed, int stream) {
    SplittableRandom own = new SplittableRandom(seed);
    if (stream == 0) {
      return own;
    }
    SplittableRandom seeds = own.split();
    for (int i = 1; i < stream; i++) {
      seeds.nextLong();
    }
    return new SplittableRandom(seeds.nextLong());
  }

  /**
   * Draws one token.
   *
   * @param scores [d_vocab]: logits for the greedy choice, else probabilities at the temperature,
   *     up to a factor
   */
  public int next(float[] scores) {
    return options.isGreedy()
        ? likeliest(scores)
        : draw(scores, lastKept(scores), random.nextDouble());
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

  /** Draws among the tokens whose key is at most that of the last kept. */
  private static int draw(float[] weights, long lastKept, double draw) {
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      sum += isKept(weights[i], i, lastKept) ? weights[i] : 0;
    }
    double target = draw * sum;
    double reached = 0;
    int last = 0;
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] > 0 && isKept(weights[i], i, lastKept)) {
        last = i;
        reached += weights[i];
        if (target < reached) {
          return i;
        }
      }
    }
    return last;
  }

  private static boolean isKept(float weight, int id, long lastKept) {
    return lastKept == ALL || RankedTokens.key(weight, id) <= lastKept;
  }

  private long lastKept(float[] weights) {
    boolean nucleus = options.topP() < 1;
    if (options.topK() == 0 || options.topK() >= weights.length) {
      return nucleus ? Nucleus.lastOf(weights, options.topP()) : ALL;
    }
    int[] ranked = RankedTokens.largest(weights, options.topK());
    int kept = ranked.length;
    if (nucleus) {
      float[] best = new float[ranked.length];
      for (int i = 0; i < best.length; i++) {
        best[i] = weights[ranked[i]];
      }
      kept = Nucleus.sizeOf(best, options.topP());
    }
    return RankedTokens.key(weights[ranked[kept - 1]], ranked[kept - 1]);
  }
}
