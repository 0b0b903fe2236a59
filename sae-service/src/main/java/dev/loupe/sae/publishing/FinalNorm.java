package dev.loupe.sae.publishing;

import dev.loupe.sae.corpus.ActivationFeed;
import dev.loupe.sae.corpus.ActivationSource;
import dev.loupe.sae.corpus.BatchActivations;
import dev.loupe.sae.corpus.CorpusPass;
import dev.loupe.sae.dictionary.FloatRows;
import java.util.Optional;

/**
 * How directions go through a model's final layer norm, on average over positions of a corpus.
 *
 * <p>The norm maps a residual stream x to x' = (x - mean(x)) / s with its scale s = sqrt(var(x) +
 * eps), before its weight and bias. To first order one unit of a direction d adds (c - x' (x' . c)
 * / n) / s there, where c is d less its mean and n the width: what lies along x' already only makes
 * the scale larger. The mean of this over positions is c / h - M c, with h the harmonic mean of s
 * and M the mean of x' x'^T / (n s).
 */
final class FinalNorm {
  private static final String INPUT = "ln_final.hook_in";

  /** GPT-2's. The variance of a residual stream is larger by many orders. */
  private static final double EPSILON = 1e-5;

  private final int width;
  private final double scale;
  private final double[] along;

  /**
   * @param scale harmonic mean of the norm's scale
   * @param along M, {@code [width, width]}
   */
  private FinalNorm(int width, double scale, double[] along) {
    this.width = width;
    this.scale = scale;
    this.along = along;
  }

  /** Looks at the final norm's input over a pass; empty where its rows have position 0 only. */
  static Optional<FinalNorm> over(
      ActivationSource source, String model, int width, CorpusPass pass, Runnable stop) {
    Sums sums = new Sums(width);
    try (ActivationFeed feed = source.open(model, INPUT, pass, stop)) {
      Optional<BatchActivations> next = feed.next();
      while (next.isPresent()) {
        FloatRows rows = next.get().rows();
        for (int row = 0; row < rows.rows(); row++) {
          stop.run();
          sums.add(rows.values(), rows.start(row));
        }
        next = feed.next();
      }
    }
    return sums.mean();
  }

  /** Harmonic mean of the norm's scale. */
  double scale() {
    return scale;
  }

  /** What one unit of each direction {@code [rows, width]} adds, the norm's weight left out. */
  FloatRows through(FloatRows directions) {
    FloatRows added = FloatRows.zeros(directions.rows(), width);
    double[] centred = new double[width];
    for (int row = 0; row < directions.rows(); row++) {
      centre(directions.values(), directions.start(row), centred);
      for (int i = 0; i < width; i++) {
        double sum = centred[i] / scale;
        for (int j = 0; j < width; j++) {
          sum -= along[i * width + j] * centred[j];
        }
        added.values()[added.start(row) + i] = (float) sum;
      }
    }
    return added;
  }

  private static void centre(float[] values, int start, double[] centred) {
    double mean = 0;
    for (int i = 0; i < centred.length; i++) {
      mean += values[start + i];
    }
    mean /= centred.length;
    for (int i = 0; i < centred.length; i++) {
      centred[i] = values[start + i] - mean;
    }
  }

  /** What positions add up to. */
  private static final class Sums {
    private final int width;
    private final double[] along;
    private final double[] centred;
    private double inverses;
    private long positions;

    Sums(int width) {
      this.width = width;
      this.along = new double[Math.multiplyExact(width, width)];
      this.centred = new double[width];
    }

    void add(float[] values, int start) {
      centre(values, start, centred);
      double squares = 0;
      for (double value : centred) {
        squares += value * value;
      }
      double s = Math.sqrt(squares / width + EPSILON);
      inverses += 1 / s;
      positions++;
      for (int i = 0; i < width; i++) {
        double factor = centred[i] / (s * s * s * width);
        // The matrix is symmetric: the other half is filled in at the end.
        for (int j = i; j < width; j++) {
          along[i * width + j] += factor * centred[j];
        }
      }
    }

    Optional<FinalNorm> mean() {
      if (positions == 0) {
        return Optional.empty();
      }
      for (int i = 0; i < width; i++) {
        for (int j = i; j < width; j++) {
          along[i * width + j] /= positions;
          along[j * width + i] = along[i * width + j];
        }
      }
      return Optional.of(new FinalNorm(width, positions / inverses, along));
    }
  }
}
