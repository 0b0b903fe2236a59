package dev.loupe.standalone.corpus;

/**
 * A stretch of a document that belongs to a concept.
 *
 * @param start first byte of the stretch in the document's UTF-8 text
 * @param end one past its last byte
 * @param concept id of the concept
 */
public record Span(int start, int end, int concept) {
  public Span {
    if (start < 0 || end <= start) {
      throw new IllegalArgumentException("a span needs 0 <= start < end: " + start + ", " + end);
    }
  }
}
