package dev.loupe.sae.dictionary;

import java.util.Arrays;

/** Collects rows of features. */
final class SparseRowsBuilder {
  private int[] offsets;
  private int rows;
  private int pending;
  private int[] indices = new int[256];
  private float[] values = new float[256];

  SparseRowsBuilder(int expectedRows) {
    this.offsets = new int[expectedRows + 1];
  }

  void add(int[] rowIndices, float[] rowValues, int count) {
    append(rowIndices, rowValues, count);
    endRow();
  }

  void addAll(SparseRowsBuilder other) {
    int base = offsets[rows];
    append(other.indices, other.values, other.offsets[other.rows]);
    for (int row = 1; row <= other.rows; row++) {
      offsets = grown(offsets, rows + 2);
      offsets[++rows] = base + other.offsets[row];
    }
  }

  SparseFeatures build() {
    int count = offsets[rows];
    return new SparseFeatures(
        Arrays.copyOf(offsets, rows + 1),
        Arrays.copyOf(indices, count),
        Arrays.copyOf(values, count));
  }

  private void append(int[] rowIndices, float[] rowValues, int count) {
    int at = offsets[rows];
    if (at + count > indices.length) {
      int capacity = Math.max(Math.addExact(at, count), indices.length * 2);
      indices = Arrays.copyOf(indices, capacity);
      values = Arrays.copyOf(values, capacity);
    }
    System.arraycopy(rowIndices, 0, indices, at, count);
    System.arraycopy(rowValues, 0, values, at, count);
    pending = at + count;
  }

  private void endRow() {
    offsets = grown(offsets, rows + 2);
    offsets[++rows] = pending;
  }

  private static int[] grown(int[] array, int needed) {
    return needed <= array.length
        ? array
        : Arrays.copyOf(array, Math.max(needed, array.length * 2));
  }
}
