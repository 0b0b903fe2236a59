package dev.loupe.inference.analysis;

import dev.loupe.inference.model.GptConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Seeded rows for finding induction heads: the beginning-of-text token where the model has one,
 * then random tokens twice.
 *
 * @param length tokens before the repetition, at least 2
 * @param sequences rows, at least 1
 * @param seed of the tokens
 */
public record RepeatedRandomTokens(int length, int sequences, long seed) {

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException naming the one that is out of range
   */
  public RepeatedRandomTokens {
    if (length < 2) {
      throw new IllegalArgumentException("length is " + length + "; expected at least 2");
    }
    if (sequences < 1) {
      throw new IllegalArgumentException("sequences is " + sequences + "; expected at least 1");
    }
  }

  /**
   * The mean attention from each token of the second half to the token after its earlier copy
   * (Olsson et al. 2022).
   */
  public HeadScorer inductionScorer() {
    return tokens -> attention -> meanDiagonal(attention, tokens.length);
  }

  /**
   * The rows for a model. A model without a beginning-of-text token gets a random one there.
   *
   * @param bos the beginning-of-text token, or -1
   * @param special tokens that are not drawn
   * @throws IllegalArgumentException when they do not fit its context
   */
  public List<int[]> rows(GptConfig config, int bos, Set<Integer> special) {
    int width = 2 * length + 1;
    if (width > config.contextLength()) {
      throw new IllegalArgumentException(
          "length is %d, which takes %d positions; the model's context holds %d"
              .formatted(length, width, config.contextLength()));
    }
    int size = config.vocabularySize();
    SplittableRandom random = new SplittableRandom(seed);
    List<int[]> rows = new ArrayList<>();
    for (int s = 0; s < sequences; s++) {
      int[] row = new int[width];
      row[0] = bos >= 0 ? bos : draw(random, size, special);
      for (int i = 1; i <= length; i++) {
        row[i] = draw(random, size, special);
        row[i + length] = row[i];
      }
      rows.add(row);
    }
    return rows;
  }

  private double meanDiagonal(float[] attention, int width) {
    double sum = 0;
    for (int query = length + 1; query < width; query++) {
      sum += attention[query * width + query - length + 1];
    }
    return sum / length;
  }

  private static int draw(SplittableRandom random, int size, Set<Integer> special) {
    int id;
    do {
      id = random.nextInt(size);
    } while (size > special.size() && special.contains(id));
    return id;
  }
}
