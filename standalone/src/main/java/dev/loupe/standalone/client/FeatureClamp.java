package dev.loupe.standalone.client;

/**
 * An edit that holds one feature of a dictionary, at every token.
 *
 * @param hookPoint where the dictionary reads
 * @param vectors the feature's vectors
 * @param amount the activation to hold, or the factor for the feature's own activation
 * @param multiply whether the amount is a factor
 * @param threshold the feature counts as active only above this pre-activation
 */
public record FeatureClamp(
    String hookPoint, FeatureDirection vectors, double amount, boolean multiply, double threshold) {

  /** The edit that removes the feature wherever it fires. */
  public static FeatureClamp suppress(
      String hookPoint, FeatureDirection vectors, double threshold) {
    return new FeatureClamp(hookPoint, vectors, 0, true, threshold);
  }

  /** The edit that holds the feature at a value at every token. */
  public static FeatureClamp hold(String hookPoint, FeatureDirection vectors, double value) {
    return new FeatureClamp(hookPoint, vectors, value, false, 0);
  }
}
