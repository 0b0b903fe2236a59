package dev.loupe.features.domain;

import java.text.Normalizer;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Splits text into the words that searches compare, so that every database finds the same features.
 *
 * <p>A word is a run of letters, digits and combining marks; each ideograph is a word of its own,
 * as there are no spaces between Chinese words. Compatibility forms and letter case are folded
 * away. A word longer than {@value #MAX_WORD_LENGTH} code points counts as its first {@value
 * #MAX_WORD_LENGTH}.
 */
public final class Words {

  /** Code points of a word that count. */
  public static final int MAX_WORD_LENGTH = 64;

  private Words() {}

  /** The distinct words of a text, in the order of their first occurrence. */
  public static Set<String> of(String text) {
    Set<String> words = new LinkedHashSet<>();
    addTo(words, text);
    return words;
  }

  /** Adds the words of a text. */
  public static void addTo(Set<String> words, String text) {
    String folded = fold(text);
    StringBuilder word = new StringBuilder();
    int length = 0;
    for (int i = 0; i < folded.length(); ) {
      int c = folded.codePointAt(i);
      i += Character.charCount(c);
      if (Character.isIdeographic(c)) {
        flush(words, word);
        length = 0;
        words.add(Character.toString(c));
      } else if (isPartOfWord(c)) {
        if (length++ < MAX_WORD_LENGTH) {
          word.appendCodePoint(c);
        }
      } else {
        flush(words, word);
        length = 0;
      }
    }
    flush(words, word);
  }

  /**
   * A text without the difference between letter cases, and between compatible forms of a
   * character.
   */
  public static String fold(String text) {
    StringBuilder folded = new StringBuilder(text.length());
    // Through upper case, which brings together letters such as the two lower-case sigmas.
    Normalizer.normalize(text, Normalizer.Form.NFKC)
        .codePoints()
        .map(c -> Character.toLowerCase(Character.toUpperCase(c)))
        .forEach(folded::appendCodePoint);
    return Normalizer.normalize(folded, Normalizer.Form.NFKC);
  }

  private static boolean isPartOfWord(int c) {
    return switch (Character.getType(c)) {
      case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK -> true;
      default -> Character.isLetterOrDigit(c);
    };
  }

  private static void flush(Set<String> words, StringBuilder word) {
    if (!word.isEmpty()) {
      words.add(word.toString());
      word.setLength(0);
    }
  }
}
