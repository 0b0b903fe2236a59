package dev.loupe.inference.analysis;

/** What attention a head of some kind would pay. */
public interface DetectionPattern {

  /**
   * The attention that a perfect head pays.
   *
   * @return [query, key] of a row of tokens, row-major; 0 above the diagonal
   * @throws InvalidMaskException when the pattern does not fit so many tokens
   */
  float[] on(int[] tokens);
}
