package dev.loupe.sae.dictionary;

import java.util.Arrays;

/**
 * Active features of some rows, in compressed sparse row form.
 *
 * @param offsets where each row starts in the other two; one more entry than rows, the first 0
 * @param indices features, ascending within a row
 * @param values their activations, all above 0
 */
public record SparseFeatures(int[] offsets, int[] indices, float[] values) {

  /** Number of rows. */
  public int rows() {
    return offsets.length - 1;
  }

  /** Number of active features in all rows together. */
  public int count() {
    return offsets[offsets.length - 1];
  }

  /** True when no activation is infinite or not a number. */
  public boolean isFinite() {
    for (int at = 0; at < count(); at++) {
      if (!Float.isFinite(values[at])) {
        return false;
      }
    }
    return true;
  }

  /** The features of some rows, from {@code first} on. */
  public SparseFeatures slice(int first, int count) {
    int begin = offsets[first];
    int[] starts = Arrays.copyOfRange(offsets, first, first + count + 1);
    for (int i = 0; i < starts.length; i++) {
      starts[i] -= begin;
    }
    int end = begin + starts[count];
    return new SparseFeatures(
        starts, Arrays.copyOfRange(indices, begin, end), Arrays.copyOfRange(values, begin, end));
  }

  /** The same as a dense block {@code [rows, d_sae]}. */
  public FloatRows dense(int dSae) {
    FloatRows dense = FloatRows.zeros(rows(), dSae);
    for (int row = 0; row < rows(); row++) {
      for (int at = offsets[row]; at < offsets[row + 1]; at++) {
        dense.values()[row * dSae + indices[at]] = values[at];
      }
    }
    return dense;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SparseFeatures that
        && Arrays.equals(offsets, that.offsets)
        && Arrays.equals(indices, that.indices)
        && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(offsets);
  }

  @Override
  public String toString() {
    return "SparseFeatures[rows=" + rows() + ", active=" + count() + "]";
  }
}
