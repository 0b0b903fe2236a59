package dev.loupe.inference.metrics;

/**
 * A number that is read off the logits of one row. Positions count from 0; negative ones count from
 * the row's end. Logarithms are natural.
 */
public sealed interface Metric {

  /** The logit of a token. */
  record Logit(int position, int token) implements Metric {}

  /** The logit of a token less that of another. */
  record LogitDifference(int position, int token, int incorrectToken) implements Metric {}

  /** The log probability of a token, in nats. */
  record LogProbability(int position, int token) implements Metric {}

  /** The mean cross-entropy of the row's tokens, each given those before it, in nats. */
  record Loss() implements Metric {}

  /**
   * How far the prediction is from another run's: KL(reference || this run), in nats.
   *
   * @param referenceLogProbabilities [d_vocab], in nats; negative infinity stands for impossible
   */
  record KlDivergence(int position, float[] referenceLogProbabilities) implements Metric {}
}
