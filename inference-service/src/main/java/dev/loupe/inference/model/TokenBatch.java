package dev.loupe.inference.model;

import java.util.Arrays;
import java.util.List;

/**
 * Rows of token ids, padded on the right to the longest.
 *
 * @param ids [batch, pos], row-major; 0 where padded
 * @param lengths tokens of each row
 * @param width columns
 */
public record TokenBatch(long[] ids, int[] lengths, int width) {

  /**
   * Packs rows of any lengths.
   *
   * @throws IllegalArgumentException when there is no row, or one is empty
   */
  public static TokenBatch of(List<int[]> rows) {
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("no rows; expected at least one");
    }
    int width = rows.stream().mapToInt(row -> row.length).max().orElseThrow();
    long[] ids = new long[Math.multiplyExact(rows.size(), width)];
    int[] lengths = new int[rows.size()];
    for (int r = 0; r < lengths.length; r++) {
      int[] row = rows.get(r);
      if (row.length == 0) {
        throw new IllegalArgumentException("row " + r + " is empty; expected at least one token");
      }
      lengths[r] = row.length;
      for (int i = 0; i < row.length; i++) {
        ids[r * width + i] = row[i];
      }
    }
    return new TokenBatch(ids, lengths, width);
  }

  /** Packs rows of any lengths. */
  public static TokenBatch of(int[]... rows) {
    return of(Arrays.asList(rows));
  }

  /** The rows of several batches below each other, padded to the widest. */
  static TokenBatch joined(List<TokenBatch> batches) {
    if (batches.size() == 1) {
      return batches.get(0);
    }
    int width = batches.stream().mapToInt(TokenBatch::width).max().orElseThrow();
    int[] lengths = batches.stream().flatMapToInt(b -> Arrays.stream(b.lengths())).toArray();
    long[] ids = new long[Math.multiplyExact(lengths.length, width)];
    int row = 0;
    for (TokenBatch batch : batches) {
      for (int r = 0; r < batch.rows(); r++, row++) {
        System.arraycopy(batch.ids(), r * batch.width(), ids, row * width, batch.width());
      }
    }
    return new TokenBatch(ids, lengths, width);
  }

  /** Rows in the batch. */
  public int rows() {
    return lengths.length;
  }

  /** Tokens in all rows, padding counted. */
  public int padded() {
    return ids.length;
  }

  /** Tokens in all rows, padding not counted. */
  public int tokens() {
    return Arrays.stream(lengths).sum();
  }
}
