package dev.loupe.sae.evaluation;

import dev.loupe.sae.dictionary.ExplainedVariance;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.Reconstruction;
import dev.loupe.sae.dictionary.SparseFeatures;

/**
 * Sums over activations in float64, and the metrics that follow from them. All means are over
 * activations seen so far.
 */
public final class ReconstructionStatistics {
  private static final double ROUNDING = 1e-13;

  private final int dIn;
  private final long[] firings;
  private final double[] sums;
  private final double[] shift;
  private long activations;
  private double shiftedSquares;
  private double squaredError;
  private double active;
  private double featureSum;
  private double cosines;

  /** Nothing seen yet. */
  public ReconstructionStatistics(int dIn, int dSae) {
    this.dIn = dIn;
    this.firings = new long[dSae];
    this.sums = new double[dIn];
    this.shift = new double[dIn];
  }

  /** Adds activations {@code [rows, d_in]} with what the dictionary made of them. */
  public void add(FloatRows activation, Reconstruction reconstruction) {
    for (int row = 0; row < activation.rows(); row++) {
      addRow(activation, reconstruction.values(), row);
    }
    SparseFeatures features = reconstruction.features();
    active += features.count();
    for (int at = 0; at < features.count(); at++) {
      featureSum += features.values()[at];
      firings[features.indices()[at]]++;
    }
  }

  private void addRow(FloatRows activation, FloatRows reconstruction, int row) {
    int start = activation.start(row);
    float[] x = activation.values();
    float[] y = reconstruction.values();
    if (activations == 0) {
      // Sums of squares are taken around the first activation: around zero, a mean that is large
      // against the spread would swallow the variance.
      for (int i = 0; i < dIn; i++) {
        shift[i] = x[start + i];
      }
    }
    double error = 0;
    double product = 0;
    double xSquares = 0;
    double ySquares = 0;
    double shifted = 0;
    for (int i = 0; i < dIn; i++) {
      double a = x[start + i];
      double b = y[start + i];
      double fromShift = a - shift[i];
      sums[i] += fromShift;
      shifted += fromShift * fromShift;
      error += (a - b) * (a - b);
      product += a * b;
      xSquares += a * a;
      ySquares += b * b;
    }
    shiftedSquares += shifted;
    squaredError += error;
    double norms = Math.sqrt(xSquares) * Math.sqrt(ySquares);
    cosines += norms > 0 ? product / norms : 0;
    activations++;
  }

  /** Activations seen. */
  public long activations() {
    return activations;
  }

  /** Mean number of active features. */
  public double l0() {
    return active / activations;
  }

  /** Mean sum of features. */
  public double l1() {
    return featureSum / activations;
  }

  /** Mean squared error, summed over d_in. */
  public double mse() {
    return squaredError / activations;
  }

  /** {@code 1 - sum |x - x^|^2 / sum |x - mean x|^2}, or what {@link ExplainedVariance} says. */
  public double explainedVariance() {
    double deviation = shiftedSquares;
    for (double sum : sums) {
      deviation -= sum * sum / activations;
    }
    // Below this, all that is left of the squares is rounding.
    boolean rounding = deviation < ROUNDING * shiftedSquares;
    return ExplainedVariance.of(squaredError, rounding ? 0 : deviation);
  }

  /** Mean cosine between activation and reconstruction; 0 where one of them is zero. */
  public double cosineSimilarity() {
    return cosines / activations;
  }

  /** Share of features that never fired. */
  public double deadFraction() {
    long dead = 0;
    for (long count : firings) {
      dead += count == 0 ? 1 : 0;
    }
    return (double) dead / firings.length;
  }

  /** Share of activations at which each feature fired, {@code [d_sae]}. */
  public double[] densities() {
    double[] densities = new double[firings.length];
    for (int i = 0; i < densities.length; i++) {
      densities[i] = (double) firings[i] / activations;
    }
    return densities;
  }
}
