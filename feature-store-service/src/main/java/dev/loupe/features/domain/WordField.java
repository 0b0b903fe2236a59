package dev.loupe.features.domain;

/**
 * Where a word of a feature stands, and what finding it there is worth. A label says what the
 * feature means, a token that it raises hints at it, an example only surrounds it.
 */
public enum WordField {
  LABEL(10, 8),
  TOKEN(5, 4),
  EXAMPLE(2, 1);

  /** What the best hit of a word is worth. */
  public static final int MAX_POINTS = 10;

  private final int exactPoints;
  private final int prefixPoints;

  WordField(int exactPoints, int prefixPoints) {
    this.exactPoints = exactPoints;
    this.prefixPoints = prefixPoints;
  }

  /** Points for the word itself. */
  public int exactPoints() {
    return exactPoints;
  }

  /** Points for a word that starts with it. */
  public int prefixPoints() {
    return prefixPoints;
  }
}
