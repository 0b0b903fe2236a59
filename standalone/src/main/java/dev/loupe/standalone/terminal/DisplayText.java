package dev.loupe.standalone.terminal;

/** Text as it is shown: control characters made visible, widths in terminal columns. */
public final class DisplayText {
  private static final int FIRST_WIDE = 0x1100;

  private DisplayText() {}

  /** A token in quotes, so that its leading space is seen; line breaks as {@code \n}. */
  public static String quoted(String token) {
    return '"' + visible(token) + '"';
  }

  /** The text on one line: line breaks, tabs and other control characters as escapes. */
  public static String visible(String text) {
    StringBuilder shown = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              if (c == '\n') {
                shown.append("\\n");
              } else if (c == '\t') {
                shown.append("\\t");
              } else if (Character.isISOControl(c)) {
                shown.append(String.format("\\u%04x", c));
              } else {
                shown.appendCodePoint(c);
              }
            });
    return shown.toString();
  }

  /**
   * Columns that the text takes in a terminal: two for a Chinese character, one for most others.
   */
  public static int width(String text) {
    return text.codePoints().map(DisplayText::width).sum();
  }

  /** The text cut to a number of columns, with an ellipsis where something is missing. */
  public static String cut(String text, int columns) {
    if (width(text) <= columns) {
      return text;
    }
    StringBuilder kept = new StringBuilder();
    int used = 0;
    int[] points = text.codePoints().toArray();
    for (int i = 0; i < points.length && used + width(points[i]) < columns; i++) {
      kept.appendCodePoint(points[i]);
      used += width(points[i]);
    }
    return kept.append('…').toString();
  }

  private static int width(int codePoint) {
    int type = Character.getType(codePoint);
    if (type == Character.NON_SPACING_MARK || type == Character.FORMAT) {
      return 0;
    }
    if (codePoint < FIRST_WIDE) {
      return 1;
    }
    Character.UnicodeScript script = Character.UnicodeScript.of(codePoint);
    boolean wide =
        script == Character.UnicodeScript.HAN
            || script == Character.UnicodeScript.HIRAGANA
            || script == Character.UnicodeScript.KATAKANA
            || script == Character.UnicodeScript.HANGUL
            || (codePoint >= 0x3000 && codePoint <= 0x303F)
            || (codePoint >= 0xFF00 && codePoint <= 0xFF60)
            || codePoint >= 0x1F300;
    return wide ? 2 : 1;
  }
}
