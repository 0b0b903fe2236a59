package dev.loupe.standalone.demo;

import java.util.ArrayList;
import java.util.List;

/**
 * Least squares with a constant, one sparse regressor added at a time. Each new regressor is made
 * orthogonal to those before (Gram-Schmidt), so that what it gains is its own.
 */
final class Regression {
  private final double[] residual;
  private final double targetMean;
  private final List<Integer> chosen = new ArrayList<>();
  private final List<double[]> basis = new ArrayList<>();
  private final List<double[]> mixing = new ArrayList<>();
  private final List<Double> weights = new ArrayList<>();
  private final List<Double> means = new ArrayList<>();

  Regression(float[] target) {
    double sum = 0;
    for (float value : target) {
      sum += value;
    }
    targetMean = sum / target.length;
    residual = new double[target.length];
    for (int t = 0; t < target.length; t++) {
      residual[t] = target[t] - targetMean;
    }
  }

  boolean contains(int feature) {
    return chosen.contains(feature);
  }

  double squaredResidual() {
    return dot(residual, residual);
  }

  /**
   * How much the squared error falls at least with this regressor; only one that raises the target
   * counts.
   */
  double gain(Units.Column column) {
    double along = 0;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < column.tokens().length; i++) {
      double value = column.values()[i];
      along += value * residual[column.tokens()[i]];
      sum += value;
      squares += value * value;
    }
    double centred = squares - sum * sum / residual.length;
    return along <= 0 || centred <= 1e-12 ? 0 : along * along / centred;
  }

  void add(int feature, Units.Column column) {
    double[] direction = new double[residual.length];
    double sum = 0;
    for (int i = 0; i < column.tokens().length; i++) {
      direction[column.tokens()[i]] = column.values()[i];
      sum += column.values()[i];
    }
    double mean = sum / residual.length;
    for (int t = 0; t < direction.length; t++) {
      direction[t] -= mean;
    }
    double[] mix = new double[basis.size()];
    for (int b = 0; b < basis.size(); b++) {
      mix[b] = dot(direction, basis.get(b)) / dot(basis.get(b), basis.get(b));
      subtract(direction, mix[b], basis.get(b));
    }
    double weight = dot(residual, direction) / Math.max(dot(direction, direction), 1e-30);
    subtract(residual, weight, direction);
    chosen.add(feature);
    basis.add(direction);
    mixing.add(mix);
    weights.add(weight);
    means.add(mean);
  }

  /** The coefficients of the regressors as they were given, in order. */
  double[] coefficients() {
    double[] c = new double[chosen.size()];
    for (int i = c.length - 1; i >= 0; i--) {
      c[i] = weights.get(i);
      for (int later = i + 1; later < c.length; later++) {
        c[i] -= c[later] * mixing.get(later)[i];
      }
    }
    return c;
  }

  /** The sum's constant term. */
  double constant() {
    double[] c = coefficients();
    double constant = targetMean;
    for (int i = 0; i < c.length; i++) {
      constant -= c[i] * means.get(i);
    }
    return constant;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int t = 0; t < a.length; t++) {
      sum += a[t] * b[t];
    }
    return sum;
  }

  private static void subtract(double[] from, double factor, double[] other) {
    for (int t = 0; t < from.length; t++) {
      from[t] -= factor * other[t];
    }
  }
}
