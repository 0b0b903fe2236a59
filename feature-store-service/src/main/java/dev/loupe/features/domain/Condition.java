package dev.loupe.features.domain;

/** One condition of a filter. */
public sealed interface Condition {

  /** How a measure is compared with a number. */
  enum Comparison {
    EQUAL,
    NOT_EQUAL,
    LESS,
    AT_MOST,
    GREATER,
    AT_LEAST
  }

  /**
   * Holds where a measure compares so with a number.
   *
   * @param measure the left side
   * @param comparison what must hold
   * @param value the right side, finite
   */
  record Compares(Measure measure, Comparison comparison, double value) implements Condition {}

  /**
   * Holds where one of the labels contains a text, letter case ignored.
   *
   * @param text not empty
   */
  record LabelContains(String text) implements Condition {}

  /**
   * Holds where one of the tokens that the feature raises most contains a text, letter case
   * ignored.
   *
   * @param text not empty
   */
  record TokenContains(String text) implements Condition {}
}
