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

  void select(int row, float[] preActivations, FeatureSelection selection) {
    // The selection writes into arrays of its own size, so it gets this row's part by copy.
    int[] rowFeatures = new int[k];
    float[] rowValues = new float[k];
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
    for (int at = row * k; at < row * k + counts[row]; at++) {
      VectorMath.addScaled(output, row * width, decoder, features[at] * width, values[at], width);
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
      int at = byFeature[i];
      int start = (at / k) * width;
      float gradient = gradients[at];
      bias += gradient;
      VectorMath.addScaled(toEncoder, 0, inputs, start, gradient, width);
      VectorMath.addScaled(toDecoder, 0, outputGradient, start, values[at], width);
    }
    return bias;
  }
}
