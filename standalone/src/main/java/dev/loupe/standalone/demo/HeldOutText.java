package dev.loupe.standalone.demo;

import com.google.protobuf.ByteString;
import dev.loupe.standalone.terminal.DisplayText;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Rows of held-out text, and their tokens in one sequence: position 0 of each row, which is always
 * the beginning-of-text token, is left out.
 */
final class HeldOutText {
  private final List<TextRow> rows;
  private final List<TokenPlace> places = new ArrayList<>();
  private final int[] firstToken;

  HeldOutText(List<TextRow> rows) {
    this.rows = List.copyOf(rows);
    this.firstToken = new int[rows.size()];
    for (int r = 0; r < rows.size(); r++) {
      firstToken[r] = places.size();
      for (int p = 1; p < rows.get(r).ids().length; p++) {
        places.add(new TokenPlace(r, p));
      }
    }
  }

  /** The rows as token ids. */
  List<int[]> ids() {
    return rows.stream().map(TextRow::ids).toList();
  }

  /** Number of tokens. */
  int tokens() {
    return places.size();
  }

  /** Length of a row, position 0 included. */
  int length(int row) {
    return rows.get(row).ids().length;
  }

  /** Index of the token at a row's position 1; the row's others follow. */
  int firstToken(int row) {
    return firstToken[row];
  }

  /** The concepts of every token. */
  List<BitSet> labels() {
    return places.stream().map(p -> rows.get(p.row()).labels().get(p.position())).toList();
  }

  /** What a token stands for. */
  String token(int index) {
    TokenPlace place = places.get(index);
    return rows.get(place.row()).tokens().get(place.position());
  }

  /** A token with those around it, itself in brackets. */
  String context(int index, int before, int after) {
    TokenPlace place = places.get(index);
    List<ByteString> pieces = rows.get(place.row()).bytes();
    int from = Math.max(0, place.position() - before);
    int to = Math.min(pieces.size(), place.position() + after + 1);
    // Only a document's beginning-of-text token covers nothing: it ends what belongs together.
    for (int p = from; p < place.position(); p++) {
      from = pieces.get(p).isEmpty() ? p + 1 : from;
    }
    for (int p = to - 1; p > place.position(); p--) {
      to = pieces.get(p).isEmpty() ? p : to;
    }
    // Nor is a character cut.
    while (from > 0 && startsInside(pieces.get(from))) {
      from--;
    }
    while (to < pieces.size() && startsInside(pieces.get(to))) {
      to++;
    }
    ByteString left = ByteString.copyFrom(pieces.subList(from, place.position()));
    ByteString token = pieces.get(place.position());
    ByteString whole = ByteString.copyFrom(pieces.subList(from, to));
    int start = characterStart(whole, left.size());
    int end = characterEnd(whole, left.size() + token.size());
    String shown =
        whole.substring(0, start).toStringUtf8()
            + "["
            + whole.substring(start, end).toStringUtf8()
            + "]"
            + whole.substring(end).toStringUtf8();
    return DisplayText.visible(shown.strip());
  }

  /**
   * The beginning of the character that the byte before this place belongs to, if the place is
   * inside it.
   */
  private static int characterStart(ByteString text, int place) {
    int start = place;
    while (start > 0 && isInside(text.byteAt(start))) {
      start--;
    }
    return start;
  }

  /** The end of the character that this place is inside. */
  private static int characterEnd(ByteString text, int place) {
    int end = place;
    while (end < text.size() && isInside(text.byteAt(end))) {
      end++;
    }
    return end;
  }

  private static boolean startsInside(ByteString piece) {
    return !piece.isEmpty() && isInside(piece.byteAt(0));
  }

  /** Whether a byte continues a UTF-8 character. */
  private static boolean isInside(byte b) {
    return (b & 0xC0) == 0x80;
  }
}
