package dev.loupe.inference.model.hooks;

/**
 * Which token each column of a pass stands for, row by row.
 *
 * @param starts each row's position of its first column
 * @param counts each row's columns that hold tokens; the rest are padding
 * @param columns columns of the pass
 * @param partial true when earlier tokens of these rows were run before (a key-value cache), so a
 *     position may lie outside this pass
 */
public record PassRows(int[] starts, int[] counts, int columns, boolean partial) {

  /** Rows that begin with this pass. */
  public static PassRows of(int[] lengths) {
    int columns = 0;
    for (int length : lengths) {
      columns = Math.max(columns, length);
    }
    return new PassRows(new int[lengths.length], lengths.clone(), columns, false);
  }

  /** Rows in the batch. */
  public int rows() {
    return counts.length;
  }

  /** Tokens that a row has once this pass is done. */
  public int length(int row) {
    return starts[row] + counts[row];
  }

  /** Tokens of all rows in this pass, padding not counted. */
  public int tokens() {
    int tokens = 0;
    for (int count : counts) {
      tokens += count;
    }
    return tokens;
  }

  /** True when some row has padding. */
  public boolean ragged() {
    for (int count : counts) {
      if (count != columns) {
        return true;
      }
    }
    return false;
  }
}
