package dev.loupe.sae.grpc;

import dev.loupe.proto.sae.v1.SparseRows;
import dev.loupe.sae.dictionary.SparseFeatures;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;

/** Checks rows of features that a client sent. */
final class SparseRowsReader {
  private SparseRowsReader() {}

  /**
   * The rows.
   *
   * @throws LoupeException WRONG_SHAPE, FEATURE_NOT_FOUND, INVALID_VALUE, NOT_FINITE
   */
  static SparseFeatures read(SparseRows message, int dSae) {
    int entries = message.getIndicesCount();
    if (message.getValuesCount() != entries) {
      throw LoupeException.invalid(
          ErrorReason.WRONG_SHAPE,
          "features.values",
          message.getValuesCount() + " long",
          "as many as indices, " + entries);
    }
    int[] offsets = offsets(message, entries);
    int[] indices = new int[entries];
    float[] values = new float[entries];
    for (int row = 0; row + 1 < offsets.length; row++) {
      int previous = -1;
      for (int at = offsets[row]; at < offsets[row + 1]; at++) {
        int index = message.getIndices(at);
        if (index < 0 || index >= dSae) {
          throw LoupeException.invalid(
              ErrorReason.FEATURE_NOT_FOUND,
              "features.indices[" + at + "]",
              index,
              "0 to " + (dSae - 1));
        }
        if (index <= previous) {
          throw LoupeException.invalidValue(
              "features.indices[" + at + "]", index, "indices that ascend within a row");
        }
        float value = message.getValues(at);
        if (!Float.isFinite(value)) {
          throw LoupeException.invalid(
              ErrorReason.NOT_FINITE, "features.values[" + at + "]", value, "a finite value");
        }
        indices[at] = index;
        values[at] = value;
        previous = index;
      }
    }
    return new SparseFeatures(offsets, indices, values);
  }

  private static int[] offsets(SparseRows message, int entries) {
    int count = message.getOffsetsCount();
    int[] offsets = new int[count];
    for (int i = 0; i < count; i++) {
      offsets[i] = message.getOffsets(i);
      if (i > 0 && offsets[i] < offsets[i - 1]) {
        throw LoupeException.invalid(
            ErrorReason.WRONG_SHAPE, "features.offsets[" + i + "]", offsets[i], "no fall");
      }
    }
    if (count == 0 || offsets[0] != 0 || offsets[count - 1] != entries) {
      throw LoupeException.invalid(
          ErrorReason.WRONG_SHAPE,
          "features.offsets",
          count == 0 ? "empty" : offsets[0] + " to " + offsets[count - 1],
          "0 to " + entries + ", the number of indices");
    }
    return offsets;
  }
}
