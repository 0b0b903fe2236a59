package dev.loupe.inference.metrics;

import java.util.Arrays;

/** Metrics by their definitions, one loop at a time in double. */
public final class SlowMetric {
  private SlowMetric() {}

  /** A row's metric from its logits [pos][d_vocab]. */
  public static double of(Metric metric, int[] row, double[][] logits) {
    if (metric instanceof Metric.Logit m) {
      return logits[absolute(m.position(), row)][m.token()];
    }
    if (metric instanceof Metric.LogitDifference m) {
      double[] at = logits[absolute(m.position(), row)];
      return at[m.token()] - at[m.incorrectToken()];
    }
    if (metric instanceof Metric.LogProbability m) {
      return logSoftmax(logits[absolute(m.position(), row)])[m.token()];
    }
    if (metric instanceof Metric.KlDivergence m) {
      double[] own = logSoftmax(logits[absolute(m.position(), row)]);
      double sum = 0;
      for (int v = 0; v < own.length; v++) {
        double reference = m.referenceLogProbabilities()[v];
        sum += Math.exp(reference) * (reference - own[v]);
      }
      return sum;
    }
    double loss = 0;
    for (int i = 0; i + 1 < row.length; i++) {
      loss -= logSoftmax(logits[i])[row[i + 1]] / (row.length - 1);
    }
    return loss;
  }

  /** The same from flat logits [pos, d_vocab]. */
  public static double of(Metric metric, int[] row, double[] logits) {
    int vocabulary = logits.length / row.length;
    double[][] split = new double[row.length][];
    for (int p = 0; p < row.length; p++) {
      split[p] = Arrays.copyOfRange(logits, p * vocabulary, (p + 1) * vocabulary);
    }
    return of(metric, row, split);
  }

  private static int absolute(int position, int[] row) {
    return position < 0 ? position + row.length : position;
  }

  private static double[] logSoftmax(double[] logits) {
    double sum = Arrays.stream(logits).map(Math::exp).sum();
    return Arrays.stream(logits).map(x -> x - Math.log(sum)).toArray();
  }
}
