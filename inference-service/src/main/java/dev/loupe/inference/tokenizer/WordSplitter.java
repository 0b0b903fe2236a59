package dev.loupe.inference.tokenizer;

/**
 * Cuts text into the words within which GPT-2 merges bytes. It finds what the expression {@code
 * 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+} finds, by one scan
 * that takes time linear in the text.
 */
final class WordSplitter {
  private static final int SPACE = 0;
  private static final int LETTER = 1;
  private static final int NUMBER = 2;
  private static final int OTHER = 3;

  private WordSplitter() {}

  /** Where the word that starts at {@code start} ends; {@code start < end}. */
  static int wordEnd(String text, int start, int end) {
    char first = text.charAt(start);
    if (first == '\'') {
      int contraction = contractionEnd(text, start, end);
      if (contraction > 0) {
        return contraction;
      }
    }
    int begin = start;
    if (first == ' ' && start + 1 < end && kind(text.codePointAt(start + 1)) != SPACE) {
      begin = start + 1;
    }
    int kind = kind(text.codePointAt(begin));
    int stop = runEnd(text, begin, end, kind);
    if (kind != SPACE || stop == end) {
      return stop;
    }
    // Something follows the white space: its last character is left to go with that.
    return stop - start > 1 ? stop - 1 : stop;
  }

  private static int runEnd(String text, int begin, int end, int kind) {
    int at = begin;
    while (at < end) {
      int point = text.codePointAt(at);
      if (kind(point) != kind) {
        break;
      }
      at += Character.charCount(point);
    }
    return Math.min(at, end);
  }

  private static int contractionEnd(String text, int start, int end) {
    if (start + 1 >= end) {
      return -1;
    }
    char second = text.charAt(start + 1);
    if (second == 's' || second == 't' || second == 'm' || second == 'd') {
      return start + 2;
    }
    if (start + 2 >= end) {
      return -1;
    }
    char third = text.charAt(start + 2);
    boolean two =
        (second == 'r' && third == 'e')
            || (second == 'v' && third == 'e')
            || (second == 'l' && third == 'l');
    return two ? start + 3 : -1;
  }

  private static int kind(int point) {
    if (CodePoints.isLetter(point)) {
      return LETTER;
    }
    if (CodePoints.isWhiteSpace(point)) {
      return SPACE;
    }
    return CodePoints.isNumber(point) ? NUMBER : OTHER;
  }
}
