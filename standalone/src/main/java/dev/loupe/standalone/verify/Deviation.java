package dev.loupe.standalone.verify;

/** How far values are from the expected ones. */
final class Deviation {
  private Deviation() {}

  /**
   * The largest difference as a share of the expected values' largest magnitude. Infinite where one
   * value is infinite or no number and the other is not the same.
   */
  static double relative(float[] actual, float[] expected) {
    if (actual.length != expected.length) {
      return Double.POSITIVE_INFINITY;
    }
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      boolean same = Float.compare(actual[i], expected[i]) == 0;
      if (Float.isFinite(expected[i]) && Float.isFinite(actual[i])) {
        largest = Math.max(largest, Math.abs((double) expected[i]));
        difference = Math.max(difference, Math.abs((double) actual[i] - expected[i]));
      } else if (!same) {
        return Double.POSITIVE_INFINITY;
      }
    }
    return difference == 0 ? 0 : difference / largest;
  }
}
