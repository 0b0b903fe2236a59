package dev.loupe.inference.tokenizer;

/**
 * A token with a part to play, such as the beginning of text.
 *
 * @param id token id, -1 when there is no such token
 * @param text how it is written; empty when there is none, or when no tokenizer says
 * @param source where it comes from, or why there is none
 */
public record SpecialToken(int id, String text, String source) {

  /** That there is none. */
  public static SpecialToken none(String why) {
    return new SpecialToken(-1, "", why);
  }

  /** True when there is one. */
  public boolean isPresent() {
    return id >= 0;
  }

  @Override
  public String toString() {
    return isPresent()
        ? "%d \"%s\" (%s)".formatted(id, text, source)
        : "none (%s)".formatted(source);
  }
}
