package dev.loupe.server.text;

/** Halves of characters: UTF-16 can hold them, and JSON can write them; no UTF-8 can. */
public final class Surrogates {
  private Surrogates() {}

  /** Where a surrogate without its other half stands in a text, in UTF-16 units; -1 for nowhere. */
  public static int firstHalf(String text) {
    for (int i = 0; i < text.length(); i++) {
      char unit = text.charAt(i);
      if (Character.isSurrogate(unit)) {
        boolean pair = i + 1 < text.length() && Character.isSurrogatePair(unit, text.charAt(i + 1));
        if (!pair) {
          return i;
        }
        i++;
      }
    }
    return -1;
  }
}
