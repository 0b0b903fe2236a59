package dev.loupe.inference.metrics;

import static dev.loupe.inference.metrics.InvalidMetricException.Kind.INVALID_VALUE;
import static dev.loupe.inference.metrics.InvalidMetricException.Kind.POSITION;
import static dev.loupe.inference.metrics.InvalidMetricException.Kind.TOKEN;
import static dev.loupe.inference.metrics.InvalidMetricException.Kind.WRONG_SHAPE;

import java.util.ArrayList;
import java.util.List;

/**
 * A metric of one row of tokens, checked: a constant and terms in the order of their positions.
 *
 * @param terms at most one for each position
 * @param constant added to the terms' sum
 */
record RowMetric(List<Term> terms, double constant) {
  private static final double SUM_TOLERANCE = 1e-3;

  /**
   * Binds a metric to a row.
   *
   * @throws InvalidMetricException when the row or the vocabulary lacks what the metric reads
   */
  static RowMetric of(Metric metric, int[] tokens, int vocabularySize) {
    return new Binding(tokens, vocabularySize).bind(metric);
  }

  private record Binding(int[] row, int vocabularySize) {

    RowMetric bind(Metric metric) {
      if (metric instanceof Metric.Logit logit) {
        int position = position(logit.position());
        int[] tokens = {token("token", logit.token())};
        return single(Term.ofTokens(position, false, tokens, 1));
      }
      if (metric instanceof Metric.LogitDifference difference) {
        int position = position(difference.position());
        int[] tokens = {
          token("token", difference.token()), token("incorrect_token", difference.incorrectToken())
        };
        return single(Term.ofTokens(position, false, tokens, 1, -1));
      }
      if (metric instanceof Metric.LogProbability probability) {
        int position = position(probability.position());
        int[] tokens = {token("token", probability.token())};
        return single(Term.ofTokens(position, true, tokens, 1));
      }
      if (metric instanceof Metric.KlDivergence divergence) {
        return divergence(divergence);
      }
      return loss();
    }

    private static RowMetric single(Term term) {
      return new RowMetric(List.of(term), 0);
    }

    private RowMetric loss() {
      if (row.length < 2) {
        throw new InvalidMetricException(
            INVALID_VALUE,
            "loss",
            "a row of %d token has no loss; give rows of at least 2".formatted(row.length));
      }
      List<Term> terms = new ArrayList<>();
      for (int i = 0; i + 1 < row.length; i++) {
        terms.add(Term.ofTokens(i, true, new int[] {row[i + 1]}, -1f / (row.length - 1)));
      }
      return new RowMetric(terms, 0);
    }

    /** Sum over v of p_v (log p_v - log q_v), where p is the reference and q is this run. */
    private RowMetric divergence(Metric.KlDivergence metric) {
      int position = position(metric.position());
      float[] reference = metric.referenceLogProbabilities();
      String field = "reference_log_probabilities";
      if (reference.length != vocabularySize) {
        throw new InvalidMetricException(
            WRONG_SHAPE,
            field,
            "%s has %d values; expected %d, one for each token"
                .formatted(field, reference.length, vocabularySize));
      }
      float[] weights = new float[reference.length];
      double sum = 0;
      double negativeEntropy = 0;
      for (int i = 0; i < weights.length; i++) {
        double p = Math.exp(reference[i]);
        sum += p;
        negativeEntropy += p == 0 ? 0 : p * reference[i];
        weights[i] = (float) -p;
      }
      if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
        throw new InvalidMetricException(
            INVALID_VALUE,
            field,
            "the probabilities of %s sum to %s; expected 1 within %s"
                .formatted(field, sum, SUM_TOLERANCE));
      }
      return new RowMetric(List.of(new Term(position, true, new int[0], weights)), negativeEntropy);
    }

    private int position(int position) {
      int absolute = position < 0 ? row.length + position : position;
      if (absolute < 0 || absolute >= row.length) {
        throw new InvalidMetricException(
            POSITION,
            "position",
            "position is %d; the row has %d tokens, so expected %d to %d"
                .formatted(position, row.length, -row.length, row.length - 1));
      }
      return absolute;
    }

    private int token(String field, int token) {
      if (token < 0 || token >= vocabularySize) {
        throw new InvalidMetricException(
            TOKEN, field, "%s is %d; expected 0 to %d".formatted(field, token, vocabularySize - 1));
      }
      return token;
    }
  }
}
