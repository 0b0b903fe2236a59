package dev.loupe.features.domain;

import java.text.Normalizer;

/** Takes differences out of a text that nobody who searches means. */
public final class Folding {
  private Folding() {}

  /**
   * A text without the differences between letter cases, between compatible forms of a character,
   * and between letters with and without accents. Marks that are no accents, such as the vowels of
   * Indic scripts and the voicing of kana, stay.
   */
  public static String fold(String text) {
    StringBuilder folded = new StringBuilder(text.length());
    Normalizer.normalize(text, Normalizer.Form.NFKD)
        .codePoints()
        .filter(c -> !isAccent(c))
        // Through upper case, which brings together letters such as the two lower-case sigmas.
        .map(c -> Character.toLowerCase(Character.toUpperCase(c)))
        .forEach(c -> append(folded, c));
    return Normalizer.normalize(folded, Normalizer.Form.NFKC);
  }

  /** Letters that Unicode does not take apart, but readers do. */
  private static void append(StringBuilder folded, int c) {
    switch (c) {
      case 'ß' -> folded.append("ss");
      case 'æ' -> folded.append("ae");
      case 'œ' -> folded.append("oe");
      case 'ø' -> folded.append('o');
      case 'ł' -> folded.append('l');
      case 'đ', 'ð' -> folded.append('d');
      case 'ħ' -> folded.append('h');
      case 'ı' -> folded.append('i');
      default -> folded.appendCodePoint(c);
    }
  }

  /** Combining diacritical marks of Unicode's blocks of that name, and variation selectors. */
  private static boolean isAccent(int c) {
    return (c >= 0x0300 && c <= 0x036f)
        || (c >= 0x1ab0 && c <= 0x1aff)
        || (c >= 0x1dc0 && c <= 0x1dff)
        || (c >= 0x20d0 && c <= 0x20ff)
        || (c >= 0xfe00 && c <= 0xfe0f);
  }
}
