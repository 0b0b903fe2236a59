package dev.loupe.inference.metrics;

/**
 * A metric's share at one position: the sum over some tokens of weight times logit, or times log
 * probability. Every metric is a sum of such terms and a constant, so its gradient by the logits is
 * {@code weights}, less {@code sum(weights) * softmax(logits)} for log probabilities.
 *
 * @param position absolute
 * @param normalized true for log probabilities, false for logits
 * @param tokens that have a weight; empty when every token has one
 * @param weights as many as tokens, or [d_vocab]
 */
record Term(int position, boolean normalized, int[] tokens, float[] weights) {

  static Term ofTokens(int position, boolean normalized, int[] tokens, float... weights) {
    return new Term(position, normalized, tokens, weights);
  }

  boolean ofEveryToken() {
    return tokens.length == 0;
  }

  double weightSum() {
    double sum = 0;
    for (float weight : weights) {
      sum += weight;
    }
    return sum;
  }
}
