package dev.loupe.sae.training;

import dev.loupe.sae.dictionary.FloatRows;

/**
 * The point with the smallest sum of distances to all rows, by Weiszfeld's iteration from their
 * mean. Unlike the mean it is not drawn away by a few huge activations.
 */
final class GeometricMedian {
  private static final int MAX_ITERATIONS = 100;
  private static final double MIN_DISTANCE = 1e-6;
  private static final double TOLERANCE = 1e-9;

  private GeometricMedian() {}

  /** Iterates until the sum of distances falls by less than a billionth of itself. */
  static float[] of(FloatRows rows) {
    int width = rows.width();
    double[] point = mean(rows);
    double last = Double.POSITIVE_INFINITY;
    for (int iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
      double[] next = new double[width];
      double weights = 0;
      double distances = 0;
      for (int row = 0; row < rows.rows(); row++) {
        double distance = distance(rows, row, point);
        distances += distance;
        double weight = 1 / Math.max(distance, MIN_DISTANCE);
        weights += weight;
        for (int i = 0; i < width; i++) {
          next[i] += weight * rows.values()[rows.start(row) + i];
        }
      }
      for (int i = 0; i < width; i++) {
        point[i] = next[i] / weights;
      }
      if (last - distances <= TOLERANCE * distances) {
        break;
      }
      last = distances;
    }
    float[] result = new float[width];
    for (int i = 0; i < width; i++) {
      result[i] = (float) point[i];
    }
    return result;
  }

  private static double[] mean(FloatRows rows) {
    double[] mean = new double[rows.width()];
    for (int row = 0; row < rows.rows(); row++) {
      for (int i = 0; i < mean.length; i++) {
        mean[i] += rows.values()[rows.start(row) + i];
      }
    }
    for (int i = 0; i < mean.length; i++) {
      mean[i] /= rows.rows();
    }
    return mean;
  }

  private static double distance(FloatRows rows, int row, double[] point) {
    double squares = 0;
    for (int i = 0; i < point.length; i++) {
      double difference = rows.values()[rows.start(row) + i] - point[i];
      squares += difference * difference;
    }
    return Math.sqrt(squares);
  }
}
