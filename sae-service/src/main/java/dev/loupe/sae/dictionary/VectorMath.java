package dev.loupe.sae.dictionary;

/** Arithmetic on stretches of arrays. */
final class VectorMath {
  private VectorMath() {}

  /** {@code to[toStart..] += factor * from[fromStart..]}. */
  static void addScaled(
      float[] to, int toStart, float[] from, int fromStart, float factor, int size) {
    for (int i = 0; i < size; i++) {
      to[toStart + i] += factor * from[fromStart + i];
    }
  }

  /**
   * {@code to[toStart..] +=} four scaled stretches of {@code from}. One pass over the target
   * instead of four: short loops cost more in starting and ending than in arithmetic.
   */
  static void addScaled4(
      float[] to,
      int toStart,
      float[] from,
      int start0,
      float factor0,
      int start1,
      float factor1,
      int start2,
      float factor2,
      int start3,
      float factor3,
      int size) {
    for (int i = 0; i < size; i++) {
      to[toStart + i] +=
          (factor0 * from[start0 + i] + factor1 * from[start1 + i])
              + (factor2 * from[start2 + i] + factor3 * from[start3 + i]);
    }
  }

  /** Inner product; eight partial sums, because one would wait for itself. */
  static float dot(float[] a, int aStart, float[] b, int bStart, int size) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int i = 0;
    for (; i + 8 <= size; i += 8) {
      s0 += a[aStart + i] * b[bStart + i];
      s1 += a[aStart + i + 1] * b[bStart + i + 1];
      s2 += a[aStart + i + 2] * b[bStart + i + 2];
      s3 += a[aStart + i + 3] * b[bStart + i + 3];
      s4 += a[aStart + i + 4] * b[bStart + i + 4];
      s5 += a[aStart + i + 5] * b[bStart + i + 5];
      s6 += a[aStart + i + 6] * b[bStart + i + 6];
      s7 += a[aStart + i + 7] * b[bStart + i + 7];
    }
    for (; i < size; i++) {
      s0 += a[aStart + i] * b[bStart + i];
    }
    return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7));
  }

  /** Euclidean length. */
  static float norm(float[] a, int start, int size) {
    return (float) Math.sqrt(dot(a, start, a, start, size));
  }

  /** Sum of squared deviations from the mean row, summed over columns. */
  static double squaredDeviation(FloatRows rows) {
    double[] mean = columnMeans(rows);
    double total = 0;
    int width = rows.width();
    for (int row = 0; row < rows.rows(); row++) {
      int start = rows.start(row);
      double sum = 0;
      for (int i = 0; i < width; i++) {
        double deviation = rows.values()[start + i] - mean[i];
        sum += deviation * deviation;
      }
      total += sum;
    }
    return total;
  }

  /** The mean of each column. */
  static double[] columnMeans(FloatRows rows) {
    int width = rows.width();
    double[] mean = new double[width];
    if (rows.rows() == 0) {
      return mean;
    }
    // Summed as differences from the first row: the mean of rows that are all the same is theirs.
    for (int row = 1; row < rows.rows(); row++) {
      int start = rows.start(row);
      for (int i = 0; i < width; i++) {
        mean[i] += (double) rows.values()[start + i] - rows.values()[i];
      }
    }
    for (int i = 0; i < width; i++) {
      mean[i] = rows.values()[i] + mean[i] / rows.rows();
    }
    return mean;
  }
}
