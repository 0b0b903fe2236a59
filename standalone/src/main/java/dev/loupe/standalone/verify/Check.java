package dev.loupe.standalone.verify;

/**
 * One comparison.
 *
 * @param group what it belongs to, such as {@code run} or a prompt
 * @param name what is compared, such as a hook point's name
 * @param error how far the value is from the expected one
 * @param tolerance how far it may be
 * @param detail what else there is to say, empty for nothing
 */
record Check(String group, String name, double error, double tolerance, String detail) {

  /** A comparison of numbers. */
  static Check of(String group, String name, double error, double tolerance) {
    return new Check(group, name, error, tolerance, "");
  }

  /** What is not as expected at all. */
  static Check failed(String group, String name, double tolerance, String detail) {
    return new Check(group, name, Double.POSITIVE_INFINITY, tolerance, detail);
  }

  /** Whether it holds. */
  boolean holds() {
    return error <= tolerance;
  }
}
