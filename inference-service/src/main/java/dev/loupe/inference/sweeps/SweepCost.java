package dev.loupe.inference.sweeps;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.scheduling.PassCost;
import java.util.Collection;

/**
 * How much memory the cells of a chunk take, predicted from shapes, and so how many of them go into
 * one.
 *
 * @param config the model's shape
 * @param length positions of a row
 * @param read positions that the metric reads
 */
record SweepCost(GptConfig config, int length, int read) {
  private static final int FLOAT = 4;

  /** Rows of one chunk have together at most this many tokens, unless one alone has more. */
  private static final int CHUNK_TOKENS = 2048;

  /** Rows of one chunk take together at most this much memory, unless one alone takes more. */
  private static final long CHUNK_BYTES = 256L << 20;

  /** Logits of this many places are made at once. */
  private static final int LOGIT_PLACES = 64;

  /** The most that a sweep takes: both runs, and its largest chunk. */
  PassCost total(Collection<HookPoint> captures) {
    long logits = 3L * FLOAT * LOGIT_PLACES * config.vocabularySize();
    return PassCost.of(config, 2, length, LogitsMode.NONE, captures)
        .plus(Math.max(CHUNK_BYTES, bytes(0)))
        .plus(logits);
  }

  /** Memory of a row whose patch begins at a position. */
  private long bytes(int start) {
    double tokens = length - start;
    double values =
        tokens * (10.0 * config.dModel() + 3.0 * config.dMlp())
            + 4.0 * length * config.dModel()
            + 3.0 * config.heads() * tokens * length
            + 3.0 * read * config.dModel();
    return (long) (FLOAT * values);
  }

  /** Fills one chunk. */
  final class Filling {
    private long tokens;
    private long bytes;

    /** Takes one more row, or says that there is no room for it. */
    boolean take(int start) {
      long newTokens = tokens + length - start;
      long newBytes = bytes + bytes(start);
      if (tokens > 0 && (newTokens > CHUNK_TOKENS || newBytes > CHUNK_BYTES)) {
        return false;
      }
      tokens = newTokens;
      bytes = newBytes;
      return true;
    }
  }
}
