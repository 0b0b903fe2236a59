package dev.loupe.inference.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds added tokens in text: the leftmost, and of those that start together the longest. */
final class AddedTokenFinder {
  /** An added token at {@code [start, end)}, in UTF-16 units, stripped white space included. */
  record Match(AddedToken token, int start, int end) {}

  private final Map<Character, List<AddedToken>> byFirst = new HashMap<>();

  AddedTokenFinder(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      byFirst.computeIfAbsent(token.content().charAt(0), c -> new ArrayList<>()).add(token);
    }
    Comparator<AddedToken> longestFirst =
        Comparator.comparingInt((AddedToken t) -> t.content().length()).reversed();
    byFirst.values().forEach(list -> list.sort(longestFirst));
  }

  /** The first match at or after {@code from}, or null. */
  Match find(String text, int from) {
    if (byFirst.isEmpty()) {
      return null;
    }
    for (int at = from; at < text.length(); at++) {
      List<AddedToken> candidates = byFirst.get(text.charAt(at));
      if (candidates == null) {
        continue;
      }
      for (AddedToken token : candidates) {
        if (text.startsWith(token.content(), at) && standsAlone(text, at, token)) {
          return widen(text, from, at, token);
        }
      }
    }
    return null;
  }

  private static boolean standsAlone(String text, int at, AddedToken token) {
    if (!token.singleWord()) {
      return true;
    }
    int end = at + token.content().length();
    boolean wordBefore = at > 0 && isWord(text.codePointBefore(at));
    boolean wordAfter = end < text.length() && isWord(text.codePointAt(end));
    return !wordBefore && !wordAfter;
  }

  private static boolean isWord(int point) {
    int type = Character.getType(point);
    return Character.isAlphabetic(point)
        || type == Character.DECIMAL_DIGIT_NUMBER
        || type == Character.CONNECTOR_PUNCTUATION
        || type == Character.NON_SPACING_MARK
        || type == Character.ENCLOSING_MARK
        || type == Character.COMBINING_SPACING_MARK
        || point == 0x200C
        || point == 0x200D;
  }

  private static Match widen(String text, int from, int at, AddedToken token) {
    int start = at;
    int end = at + token.content().length();
    // White space lies in the basic plane, so one UTF-16 unit is one character here.
    while (token.stripLeft() && start > from && WordSplitter.isWhiteSpace(text.charAt(start - 1))) {
      start--;
    }
    while (token.stripRight()
        && end < text.length()
        && WordSplitter.isWhiteSpace(text.charAt(end))) {
      end++;
    }
    return new Match(token, start, end);
  }
}
