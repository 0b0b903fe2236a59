package dev.loupe.sae.dictionary;

import java.util.Arrays;

/**
 * The active features of a batch, at most {@code k} in each row, with their gradients: by row while
 * they are found, and sorted by feature for sums over the batch.
 */
final class ActiveEntries {
  private final int k;
  private final int[] counts;
  private final int[] features;
  private final float[] values;
  private final float[] gradients;
  private final int[] featureStarts;
  private final int[] byFeature;

  ActiveEntries(int rows, int k, int dSae) {
    this.k = k;
    this.counts = new int[rows];
    this.features = new int[Math.multiplyExact(rows, k)];
    this.values = new float[features.length];
    this.gradients = new float[features.length];
    this.featureStarts = new int[dSae + 1];
    this.byFeature = new int[features.length];
  }

  /** Selects one row's features; the two scratch arrays have room for k. */
  void select(
      int row,
      float[] preActivations,
      FeatureSelection selection,
      int[] rowFeatures,
      float[] rowValues) {
    int count = selection.select(preActivations, rowFeatures, rowValues);
    counts[row] = count;
    System.arraycopy(rowFeatures, 0, features, row * k, count);
    System.arraycopy(rowValues, 0, values, row * k, count);
  }

  void clear(int rows) {
    Arrays.fill(counts, 0, rows, 0);
  }

  long total(int rows) {
    long total = 0;
    for (int row = 0; row < rows; row++) {
      total += counts[row];
    }
    return total;
  }

  void countFirings(int rows, int[] firings) {
    for (int row = 0; row < rows; row++) {
      for (int at = row * k; at < row * k + counts[row]; at++) {
        firings[features[at]]++;
      }
    }
  }

  /** Adds {@code f W_dec} of one row to its stretch of the output. */
  void addDecoded(int row, float[] decoder, int width, float[] output) {
    int at = row * k;
    int end = at + counts[row];
    int start = row * width;
    for (; at + 4 <= end; at += 4) {
      VectorMath.addScaled4(
          output,
          start,
          decoder,
          features[at] * width,
          values[at],
          features[at + 1] * width,
          values[at + 1],
          features[at + 2] * width,
          values[at + 2],
          features[at + 3] * width,
          values[at + 3],
          width);
    }
    for (; at < end; at++) {
      VectorMath.addScaled(output, start, decoder, features[at] * width, values[at], width);
    }
  }

  /** d loss / d f of every entry: its row's output gradient along its decoder direction. */
  void gradients(int rows, float[] decoder, int width, float[] outputGradient) {
    RowChunks.run(
        rows,
        (chunk, begin, end) -> {
          for (int row = begin; row < end; row++) {
            for (int at = row * k; at < row * k + counts[row]; at++) {
              gradients[at] =
                  VectorMath.dot(outputGradient, row * width, decoder, features[at] * width, width);
            }
          }
        });
  }

  /** Orders the entries by feature, and by row within one. */
  void sortByFeature(int rows) {
    Arrays.fill(featureStarts, 0);
    for (int row = 0; row < rows; row++) {
      for (int at = row * k; at < row * k + counts[row]; at++) {
        featureStarts[features[at] + 1]++;
      }
    }
    for (int i = 1; i < featureStarts.length; i++) {
      featureStarts[i] += featureStarts[i - 1];
    }
    int[] next = featureStarts.clone();
    for (int row = 0; row < rows; row++) {
      for (int at = row * k; at < row * k + counts[row]; at++) {
        byFeature[next[features[at]]++] = at;
      }
    }
  }

  /**
   * Adds one feature's gradients over the batch: to its encoder column and its decoder row.
   *
   * @return its gradient for b_enc
   */
  float addGradients(
      int feature,
      int width,
      float[] inputs,
      float[] outputGradient,
      float[] toEncoder,
      float[] toDecoder) {
    float bias = 0;
    for (int i = featureStarts[feature]; i < featureStarts[feature + 1]; i++) {
      bias += gradients[byFeature[i]];
    }
    addWeighted(feature, width, inputs, gradients, toEncoder);
    addWeighted(feature, width, outputGradient, values, toDecoder);
    return bias;
  }

  /** Adds the rows in which a feature is active, each with the feature's factor there. */
  private void addWeighted(int feature, int width, float[] rows, float[] factors, float[] to) {
    int i = featureStarts[feature];
    int end = featureStarts[feature + 1];
    for (; i + 4 <= end; i += 4) {
      int at0 = byFeature[i];
      int at1 = byFeature[i + 1];
      int at2 = byFeature[i + 2];
      int at3 = byFeature[i + 3];
      VectorMath.addScaled4(
          to,
          0,
          rows,
          at0 / k * width,
          factors[at0],
          at1 / k * width,
          factors[at1],
          at2 / k * width,
          factors[at2],
          at3 / k * width,
          factors[at3],
          width);
    }
    for (; i < end; i++) {
      int at = byFeature[i];
      VectorMath.addScaled(to, 0, rows, at / k * width, factors[at], width);
    }
  }
}
