package dev.loupe.standalone.corpus;

import java.util.function.ToIntFunction;

/**
 * Documents that only copying explains: tokens drawn at random, and then the same again. A model
 * that is to predict them grows induction heads (Olsson et al., "In-context learning and induction
 * heads", 2022).
 */
public final class RandomRepeats {
  private static final int MIN_PERIOD = 4;
  private static final int MAX_SHORT_PERIOD = 12;
  private static final int MAX_COPIES = 5;

  private final ToIntFunction<SeededRandom> tokens;
  private final int longest;

  /**
   * @param tokens draws one token id
   * @param longest most tokens in one document
   * @throws IllegalArgumentException if {@code longest} leaves no room for a repeated sequence
   */
  public RandomRepeats(ToIntFunction<SeededRandom> tokens, int longest) {
    if (longest < 2 * MIN_PERIOD) {
      throw new IllegalArgumentException(
          "longest must be at least " + 2 * MIN_PERIOD + ", was " + longest);
    }
    this.tokens = tokens;
    this.longest = longest;
  }

  /**
   * Draws every id but one with the same probability.
   *
   * @param vocabulary number of token ids, 2 or more
   * @param excluded an id that is never drawn, such as the end-of-text token's
   */
  public static ToIntFunction<SeededRandom> uniform(int vocabulary, int excluded) {
    if (vocabulary < 2) {
      throw new IllegalArgumentException("vocabulary must be at least 2, was " + vocabulary);
    }
    return random -> {
      int id = random.nextInt(vocabulary - 1);
      return id >= excluded && excluded >= 0 ? id + 1 : id;
    };
  }

  /**
   * A repeated sequence.
   *
   * @param ids token ids; at least the first period comes twice
   * @param period tokens before the repetition, which nothing explains
   */
  public record Repeats(int[] ids, int period) {}

  /** One document, of at most {@code longest} tokens. */
  public Repeats next(SeededRandom random) {
    int most = longest / 2;
    // What attention to the copied token gains is spread over all tokens that a head still looks at
    // alike, so copying is learnt from short periods; the long ones teach it over a distance.
    if (random.nextInt(4) != 0) {
      most = Math.min(MAX_SHORT_PERIOD, most);
    }
    int period = random.between(MIN_PERIOD, most);
    int copies = Math.min(random.between(2, MAX_COPIES), longest / period);
    int[] ids = new int[period * copies];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = i < period ? tokens.applyAsInt(random) : ids[i - period];
    }
    return new Repeats(ids, period);
  }
}
