package dev.loupe.testkit.golden;

import java.util.Arrays;

/** Compares float32 results with golden values. */
public final class GoldenAssert {
  private GoldenAssert() {}

  /**
   * Fails unless every value is within {@link Golden#TOLERANCE} of the golden tensor's largest
   * magnitude, and infinities stand at the same places.
   */
  public static void assertClose(String name, long[] shape, float[] actual, GoldenTensor expected) {
    if (!Arrays.equals(shape, expected.shape())) {
      throw new AssertionError(
          "%s has shape %s; expected %s"
              .formatted(name, Arrays.toString(shape), Arrays.toString(expected.shape())));
    }
    assertClose(name, actual, expected);
  }

  /** The same, without looking at the shape. */
  public static void assertClose(String name, float[] actual, GoldenTensor expected) {
    assertClose(name, actual, expected.values(), Golden.TOLERANCE);
  }

  /**
   * Fails unless every value is within a share of the expected values' largest magnitude.
   *
   * @param tolerance the share
   */
  public static void assertClose(String name, float[] actual, double[] expected, double tolerance) {
    if (actual.length != expected.length) {
      throw new AssertionError(
          "%s has %d values; expected %d".formatted(name, actual.length, expected.length));
    }
    double bound = tolerance * new GoldenTensor(new long[0], expected).largest();
    for (int i = 0; i < actual.length; i++) {
      boolean close =
          Double.isFinite(expected[i])
              ? Math.abs(actual[i] - expected[i]) <= bound
              : Double.compare(actual[i], expected[i]) == 0;
      if (!close) {
        throw new AssertionError(
            "%s[%d] is %s; expected %s within %s"
                .formatted(name, i, actual[i], expected[i], bound));
      }
    }
  }
}
