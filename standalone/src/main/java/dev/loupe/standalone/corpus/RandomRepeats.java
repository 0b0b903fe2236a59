package dev.loupe.standalone.corpus;

/**
 * Documents that only copying explains: tokens drawn uniformly, and then the same again. A model
 * that is to predict them grows induction heads (Olsson et al., "In-context learning and induction
 * heads", 2022).
 */
public final class RandomRepeats {
  private static final int MIN_PERIOD = 4;
  private static final int MAX_COPIES = 4;

  private final int vocabulary;
  private final int excluded;
  private final int longest;

  /**
   * @param vocabulary number of token ids
   * @param excluded an id that is never drawn, such as the end-of-text token's
   * @param longest most tokens in one document
   * @throws IllegalArgumentException if {@code longest} leaves no room for a repeated sequence
   */
  public RandomRepeats(int vocabulary, int excluded, int longest) {
    if (longest < 2 * MIN_PERIOD) {
      throw new IllegalArgumentException(
          "longest must be at least " + 2 * MIN_PERIOD + ", was " + longest);
    }
    if (vocabulary < 2) {
      throw new IllegalArgumentException("vocabulary must be at least 2, was " + vocabulary);
    }
    this.vocabulary = vocabulary;
    this.excluded = excluded;
    this.longest = longest;
  }

  /** Token ids of one document, at most {@code longest}; at least its first period comes twice. */
  public int[] next(SeededRandom random) {
    int period = random.between(MIN_PERIOD, longest / 2);
    // Short periods are as likely as long ones are: both halves of the range should be learnt.
    if (random.nextInt(3) == 0) {
      period = random.between(MIN_PERIOD, Math.min(24, longest / 2));
    }
    int copies = Math.min(random.between(2, MAX_COPIES), longest / period);
    int[] ids = new int[period * copies];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = i < period ? draw(random) : ids[i - period];
    }
    return ids;
  }

  private int draw(SeededRandom random) {
    int id = random.nextInt(vocabulary - 1);
    return id >= excluded && excluded >= 0 ? id + 1 : id;
  }
}
