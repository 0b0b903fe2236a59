package dev.loupe.sae.corpus;

import java.util.List;

/**
 * Rows of a corpus to run together.
 *
 * @param id counts the batches of a run, from 0
 * @param firstRow place of the first row in the order of the run
 * @param rowNumbers which rows of the corpus they are
 * @param rows their token ids
 */
public record TokenBatch(long id, long firstRow, List<Long> rowNumbers, List<int[]> rows) {

  /** Activations that training and measuring take from it: all but position 0 of each row. */
  public int activations() {
    int total = 0;
    for (int[] row : rows) {
      total += row.length - 1;
    }
    return total;
  }

  /** Tokens in the longest row. */
  public int longest() {
    int longest = 0;
    for (int[] row : rows) {
      longest = Math.max(longest, row.length);
    }
    return longest;
  }
}
