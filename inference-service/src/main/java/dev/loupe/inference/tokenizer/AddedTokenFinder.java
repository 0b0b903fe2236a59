package dev.loupe.inference.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Cuts text at its added tokens, as Hugging Face's tokenizers do. The whole text is searched for
 * those that are not normalized; what lies between them is searched, each piece as a text of its
 * own, for the rest. A search takes the leftmost of its tokens, of those that start together the
 * longest, and goes on behind it, whether or not the token may stand there ({@code single_word}).
 */
final class AddedTokenFinder {
  /** A stretch {@code [start, end)} in UTF-16 units: a token, or text when {@code id} is -1. */
  record Piece(int id, int start, int end) {
    boolean isText() {
      return id < 0;
    }
  }

  private final Map<Integer, AddedToken> byId;
  private final AddedVocabulary added;
  private final TokenPrefixes first;
  private final TokenPrefixes second;

  AddedTokenFinder(AddedVocabulary added) {
    this.added = added;
    byId = added.byId();
    first = new TokenPrefixes(added.patterns(false));
    second = new TokenPrefixes(added.patterns(true));
  }

  /**
   * The pieces of a text in their order; between them they cover it.
   *
   * @param literal leaves special tokens in the text as they are written
   */
  List<Piece> split(String text, boolean literal) {
    List<Piece> pieces = new ArrayList<>();
    for (Piece piece : search(first, text, 0, text.length(), literal)) {
      if (piece.isText()) {
        pieces.addAll(search(second, text, piece.start(), piece.end(), literal));
      } else {
        pieces.add(piece);
      }
    }
    return pieces;
  }

  /** Searches a stretch of the text, of whose neighbours nothing is seen. */
  private List<Piece> search(TokenPrefixes tokens, String text, int from, int to, boolean literal) {
    List<Piece> pieces = new ArrayList<>();
    int done = from;
    int at = from;
    while (at < to) {
      int found = tokens.longest(text, at, to);
      if (found < 0) {
        at++;
        continue;
      }
      AddedToken token = byId.get(tokens.id(found));
      int end = at + tokens.length(found);
      boolean passed = literal && added.isSpecial(token);
      if (!passed && (!token.singleWord() || standsAlone(text, from, at, end, to))) {
        int start = token.stripLeft() ? Math.max(done, leftOf(text, from, at)) : at;
        int stop = token.stripRight() ? rightOf(text, end, to) : end;
        if (done < start) {
          pieces.add(new Piece(-1, done, start));
        }
        // A token of white space that the one before took along is gone with it.
        if (start < stop) {
          pieces.add(new Piece(tokens.id(found), start, stop));
          done = stop;
        }
      }
      at = end;
    }
    if (done < to) {
      pieces.add(new Piece(-1, done, to));
    }
    return pieces;
  }

  private static boolean standsAlone(String text, int from, int start, int end, int to) {
    boolean wordBefore = start > from && CodePoints.isWord(text.codePointBefore(start));
    boolean wordAfter = end < to && CodePoints.isWord(text.codePointAt(end));
    return !wordBefore && !wordAfter;
  }

  // White space lies in the basic plane, so one UTF-16 unit is one character here.
  private static int leftOf(String text, int from, int at) {
    int start = at;
    while (start > from && CodePoints.isWhiteSpace(text.charAt(start - 1))) {
      start--;
    }
    return start;
  }

  private static int rightOf(String text, int at, int to) {
    int end = at;
    while (end < to && CodePoints.isWhiteSpace(text.charAt(end))) {
      end++;
    }
    return end;
  }
}
