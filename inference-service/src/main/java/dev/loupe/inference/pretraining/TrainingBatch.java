package dev.loupe.inference.pretraining;

import java.util.Arrays;

/**
 * Rows of one step.
 *
 * @param rows token ids, rows of equal length, at least 2 and at most one more than the context:
 *     each token but the first may be predicted from those before it
 * @param targets as large as the rows: which tokens count in the loss. Tokens that nothing
 *     explains, such as random ones, only add noise to the gradient. The first of a row never
 *     counts
 */
public record TrainingBatch(int[][] rows, boolean[][] targets) {
  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException when rows differ in length, are too short, or lack a target
   */
  public TrainingBatch {
    if (rows.length == 0 || rows.length != targets.length) {
      throw new IllegalArgumentException(
          "%d rows and %d rows of targets; expected as many, at least one"
              .formatted(rows.length, targets.length));
    }
    int length = rows[0].length;
    for (int r = 0; r < rows.length; r++) {
      if (rows[r].length != length || length < 2) {
        throw new IllegalArgumentException(
            "row %d has %d tokens; expected %d as in row 0, at least 2"
                .formatted(r, rows[r].length, length));
      }
      if (targets[r].length != length) {
        throw new IllegalArgumentException(
            "row %d has %d targets; expected %d".formatted(r, targets[r].length, length));
      }
    }
  }

  /** Rows in which every token but the first counts. */
  public static TrainingBatch of(int[][] rows) {
    boolean[][] targets = new boolean[rows.length][];
    for (int r = 0; r < rows.length; r++) {
      targets[r] = new boolean[rows[r].length];
      Arrays.fill(targets[r], true);
    }
    return new TrainingBatch(rows, targets);
  }

  /** Tokens of a row that are predicted, counted or not. */
  int width() {
    return rows[0].length - 1;
  }
}
