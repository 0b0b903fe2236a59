package dev.loupe.inference.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A token that is found in the text before any merging, such as {@code <|endoftext|>}.
 *
 * @param content what is looked for, not empty
 * @param singleWord matches only where no part of a word stands next to it
 * @param stripLeft takes the white space before it along
 * @param stripRight takes the white space after it along
 * @param normalized is looked for after those that are not, in what they leave
 * @param special stands for no text of its own, and can be left unfound on request
 */
record AddedToken(
    String content,
    boolean singleWord,
    boolean stripLeft,
    boolean stripRight,
    boolean normalized,
    boolean special) {

  /** A special token of which only the text is known. */
  static AddedToken special(String content) {
    return new AddedToken(content, false, false, false, false, true);
  }

  /** A token of {@code added_tokens.json}, of which only the text is known. */
  static AddedToken ofText(String content, boolean special) {
    return new AddedToken(content, false, false, false, !special, special);
  }

  /** Reads the object that every tokenizer file writes; what is left out is false. */
  static AddedToken read(String where, JsonNode node) {
    return read(where, node, flag(where, node, "special", false));
  }

  /** Reads the object of a token that is special by its place. */
  static AddedToken readSpecial(String where, JsonNode node) {
    return read(where, node, true);
  }

  private static AddedToken read(String where, JsonNode node, boolean special) {
    String content = node.path("content").asText("");
    if (content.isEmpty()) {
      throw new TokenizerException(where + ": content must be a text that is not empty");
    }
    return new AddedToken(
        content,
        flag(where, node, "single_word", false),
        flag(where, node, "lstrip", false),
        flag(where, node, "rstrip", false),
        flag(where, node, "normalized", !special),
        special);
  }

  private static boolean flag(String where, JsonNode node, String name, boolean fallback) {
    JsonNode value = node.path(name);
    if (!value.isMissingNode() && !value.isNull() && !value.isBoolean()) {
      throw new TokenizerException(
          "%s: %s is %s; expected true or false".formatted(where, name, value));
    }
    return value.asBoolean(fallback);
  }

  AddedToken asSpecial() {
    return new AddedToken(content, singleWord, stripLeft, stripRight, normalized, true);
  }
}
