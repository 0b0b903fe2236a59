package dev.loupe.sae.dictionary;

/**
 * {@code 1 - squared error / squared deviation from the mean}. Of activations that are all the same
 * there is nothing to explain: 1 where they are reconstructed exactly, else 0, as SAELens has it.
 */
public final class ExplainedVariance {
  private ExplainedVariance() {}

  /** Of two sums over the same activations. */
  public static double of(double squaredError, double squaredDeviation) {
    if (squaredDeviation > 0) {
      return 1 - squaredError / squaredDeviation;
    }
    return squaredError == 0 ? 1 : 0;
  }
}
