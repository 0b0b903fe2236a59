package dev.loupe.inference.analysis;

/**
 * How a head's attention is compared with a pattern, as TransformerLens's head detector does it.
 *
 * @param measure the comparison
 * @param excludeBos leaves attention to position 0 out
 * @param excludeCurrentToken leaves attention of a token to itself out
 */
public record HeadScoring(Measure measure, boolean excludeBos, boolean excludeCurrentToken) {
  /** Overlap of all attention. */
  public static final HeadScoring OVERLAP = new HeadScoring(Measure.OVERLAP, false, false);

  /** The comparisons. What is excluded counts neither as attention nor as a difference. */
  public enum Measure {
    /** Attention times the pattern, summed, over all attention; 0 where there is no attention. */
    OVERLAP,
    /**
     * 1 minus the mean absolute difference times the sequence length, the latter to three digits.
     */
    ABSOLUTE
  }

  /** Compares with a pattern. */
  public HeadScorer against(DetectionPattern pattern) {
    return tokens -> {
      float[] expected = pattern.on(tokens);
      return attention -> score(attention, expected, tokens.length);
    };
  }

  private double score(float[] attention, float[] pattern, int length) {
    double matched = 0;
    double all = 0;
    double difference = 0;
    for (int query = 0; query < length; query++) {
      for (int key = 0; key < length; key++) {
        if ((excludeBos && key == 0) || (excludeCurrentToken && key == query)) {
          continue;
        }
        int at = query * length + key;
        all += attention[at];
        matched += (double) attention[at] * pattern[at];
        difference += Math.abs((double) attention[at] - pattern[at]);
      }
    }
    if (measure == Measure.OVERLAP) {
      return all == 0 ? 0 : matched / all;
    }
    return 1 - Math.round(difference / length * 1000) / 1000.0;
  }
}
