package dev.loupe.standalone.demo;

import dev.loupe.standalone.terminal.DisplayText;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a token of held-out text can be said to mean: its concepts, or, without labels, the token
 * itself.
 */
final class Meanings {
  private final HeldOutText text;
  private final List<BitSet> labels;
  private final List<String> concepts;
  private final Map<String, Integer> words = new HashMap<>();

  /**
   * Meanings of a text's tokens.
   *
   * @param concepts titles of the concepts, empty without labels
   */
  Meanings(HeldOutText text, List<String> concepts) {
    this.text = text;
    this.labels = text.labels();
    this.concepts = List.copyOf(concepts);
  }

  /** Whether meanings are labelled concepts. */
  boolean labelled() {
    return !concepts.isEmpty();
  }

  /** Ids of a token's meanings. */
  BitSet of(int token) {
    if (labelled()) {
      return labels.get(token);
    }
    String word = text.token(token).strip();
    BitSet one = new BitSet();
    if (!word.isEmpty()) {
      one.set(words.computeIfAbsent(word, w -> words.size()));
    }
    return one;
  }

  /** What a meaning that one of these tokens has is called. */
  String title(int meaning, int token) {
    return labelled() ? concepts.get(meaning) : DisplayText.quoted(text.token(token).strip());
  }
}
