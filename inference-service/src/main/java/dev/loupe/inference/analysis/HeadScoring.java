package dev.loupe.inference.analysis;

/**
 * How a head's attention is compared with a pattern.
 *
 * @param measure the comparison
 * @param excludeBos leaves attention to position 0 out
 * @param excludeCurrentToken leaves attention of a token to itself out
 */
public record HeadScoring(Measure measure, boolean excludeBos, boolean excludeCurrentToken) {
  /** Overlap of all attention. */
  public static final HeadScoring OVERLAP = new HeadScoring(Measure.OVERLAP, false, false);

  /** The comparisons of TransformerLens's head detector. */
  public enum Measure {
    /** Attention where the pattern is, over all attention. */
    OVERLAP,
    /**
     * 1 minus the mean absolute difference times the sequence length, the latter to three digits.
     */
    ABSOLUTE
  }

  /**
   * The score of one head on one row.
   *
   * @param attention [query, key], row-major
   * @param tokens the row's tokens
   */
  double score(float[] attention, int[] tokens, HeadPattern pattern) {
    int length = tokens.length;
    double matched = 0;
    double all = 0;
    double difference = 0;
    for (int query = 0; query < length; query++) {
      for (int key = 0; key < length; key++) {
        boolean excluded = (excludeBos && key == 0) || (excludeCurrentToken && key == query);
        double weight = excluded ? 0 : attention[query * length + key];
        boolean matches = pattern.matches(tokens, query, key);
        all += weight;
        matched += matches ? weight : 0;
        difference += Math.abs(weight - (matches ? 1 : 0));
      }
    }
    if (measure == Measure.OVERLAP) {
      return all == 0 ? 0 : matched / all;
    }
    return 1 - Math.round(difference / length * 1000) / 1000.0;
  }
}
