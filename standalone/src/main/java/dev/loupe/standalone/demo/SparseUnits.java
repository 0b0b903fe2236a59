package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.SparseFeatures;
import java.util.Arrays;

/** Features: activations only where they fire. */
final class SparseUnits implements Units {
  private static final int FIRST_CAPACITY = 8;

  private final int[][] tokens;
  private final float[][] values;
  private final int[] sizes;

  SparseUnits(int count) {
    tokens = new int[count][0];
    values = new float[count][0];
    sizes = new int[count];
  }

  /** Keeps one row of encoded activations as those of a token, which must follow all before. */
  void put(int token, SparseFeatures rows, int row) {
    for (int i = rows.offsets()[row]; i < rows.offsets()[row + 1]; i++) {
      append(rows.indices()[i], token, rows.values()[i]);
    }
  }

  private void append(int unit, int token, float value) {
    int size = sizes[unit]++;
    if (size == tokens[unit].length) {
      int capacity = Math.max(FIRST_CAPACITY, size * 2);
      tokens[unit] = Arrays.copyOf(tokens[unit], capacity);
      values[unit] = Arrays.copyOf(values[unit], capacity);
    }
    tokens[unit][size] = token;
    values[unit][size] = value;
  }

  /** A feature's largest activation, 0 when it never fires. */
  double maximum(int unit) {
    double maximum = 0;
    for (int i = 0; i < sizes[unit]; i++) {
      maximum = Math.max(maximum, values[unit][i]);
    }
    return maximum;
  }

  /**
   * A feature's smallest activation where it fires: below it, it is not among the largest. 0 when
   * it never does.
   */
  double minimum(int unit) {
    double minimum = sizes[unit] == 0 ? 0 : values[unit][0];
    for (int i = 0; i < sizes[unit]; i++) {
      minimum = Math.min(minimum, values[unit][i]);
    }
    return minimum;
  }

  @Override
  public int count() {
    return sizes.length;
  }

  @Override
  public Column column(int unit) {
    return new Column(
        Arrays.copyOf(tokens[unit], sizes[unit]), Arrays.copyOf(values[unit], sizes[unit]));
  }

  @Override
  public String name(int unit) {
    return "feature " + unit;
  }
}
