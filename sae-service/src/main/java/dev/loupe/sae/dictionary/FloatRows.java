package dev.loupe.sae.dictionary;

import java.util.Arrays;

/**
 * A block of rows, {@code [rows, width]}. The array is not copied and may be longer than needed.
 *
 * @param values row-major values
 * @param rows number of rows, 0 or more
 * @param width elements in each row, 1 or more
 */
public record FloatRows(float[] values, int rows, int width) {

  /** Checks that the array holds the rows. */
  public FloatRows {
    if (rows < 0 || width < 1 || (long) rows * width > values.length) {
      throw new IllegalArgumentException(
          "%d rows of %d do not fit into %d values".formatted(rows, width, values.length));
    }
  }

  /** Rows of zeros. */
  public static FloatRows zeros(int rows, int width) {
    return new FloatRows(new float[Math.multiplyExact(rows, width)], rows, width);
  }

  /** Where a row starts in the array. */
  public int start(int row) {
    return row * width;
  }

  /** A copy of some rows, from {@code first} on. */
  public FloatRows slice(int first, int count) {
    return new FloatRows(
        Arrays.copyOfRange(values, first * width, (first + count) * width), count, width);
  }

  /** True when no value is infinite or not a number. */
  public boolean isFinite() {
    int end = rows * width;
    for (int i = 0; i < end; i++) {
      if (!Float.isFinite(values[i])) {
        return false;
      }
    }
    return true;
  }

  /** Records compare arrays by identity, so equality goes by content here. */
  @Override
  public boolean equals(Object other) {
    return other instanceof FloatRows that
        && rows == that.rows
        && width == that.width
        && Arrays.equals(values, 0, rows * width, that.values, 0, rows * width);
  }

  @Override
  public int hashCode() {
    return 31 * rows + width;
  }

  @Override
  public String toString() {
    return "FloatRows[" + rows + ", " + width + "]";
  }
}
