package dev.loupe.sae.dictionary;

/** What a dictionary does to each activation before it encodes it, as SAELens defines it. */
public enum InputNormalization {
  /** Nothing. */
  NONE,
  /** {@code (x - mean) / (std + 1e-5)} over the row, with the unbiased standard deviation. */
  LAYER_NORM,
  /** {@code x * sqrt(d_in) / |x|}. */
  CONSTANT_NORM;

  private static final double LAYER_NORM_EPSILON = 1e-5;

  /**
   * What was taken out of each row, so that it can be put back into the reconstruction: {@code x =
   * normalized * scale + shift}.
   *
   * @param scale one for each row
   * @param shift one for each row
   */
  record RowStatistics(float[] scale, float[] shift) {}

  /**
   * Writes the normalised row.
   *
   * @param statistics takes what was removed from this row
   */
  void normalize(
      float[] from, int start, int width, float[] to, RowStatistics statistics, int row) {
    switch (this) {
      case NONE -> System.arraycopy(from, start, to, row * width, width);
      case LAYER_NORM -> {
        double mean = 0;
        for (int i = 0; i < width; i++) {
          mean += from[start + i];
        }
        mean /= width;
        double squares = 0;
        for (int i = 0; i < width; i++) {
          double deviation = from[start + i] - mean;
          squares += deviation * deviation;
        }
        double deviation = Math.sqrt(squares / (width - 1));
        for (int i = 0; i < width; i++) {
          to[row * width + i] =
              (float) ((from[start + i] - mean) / (deviation + LAYER_NORM_EPSILON));
        }
        // SAELens puts back the deviation alone, without the epsilon.
        statistics.scale[row] = (float) deviation;
        statistics.shift[row] = (float) mean;
      }
      case CONSTANT_NORM -> {
        double squares = 0;
        for (int i = 0; i < width; i++) {
          squares += (double) from[start + i] * from[start + i];
        }
        double factor = Math.sqrt(width / squares);
        for (int i = 0; i < width; i++) {
          to[row * width + i] = (float) (from[start + i] * factor);
        }
        statistics.scale[row] = (float) (1 / factor);
      }
    }
  }

  /** Turns a reconstruction of the normalised row, in place, into one of the row itself. */
  void restore(float[] values, int start, int width, RowStatistics statistics, int row) {
    if (this == NONE) {
      return;
    }
    float scale = statistics.scale[row];
    float shift = statistics.shift[row];
    for (int i = start; i < start + width; i++) {
      values[i] = values[i] * scale + shift;
    }
  }
}
