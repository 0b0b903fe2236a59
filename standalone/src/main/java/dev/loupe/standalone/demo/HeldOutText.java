package dev.loupe.standalone.demo;

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
    List<String> tokens = rows.get(place.row()).tokens();
    int from = Math.max(0, place.position() - before);
    int to = Math.min(tokens.size(), place.position() + after + 1);
    // A document's beginning-of-text token ends what belongs together.
    for (int p = from; p < place.position(); p++) {
      if (tokens.get(p).isEmpty()) {
        from = p + 1;
      }
    }
    for (int p = to - 1; p > place.position(); p--) {
      if (tokens.get(p).isEmpty()) {
        to = p;
      }
    }
    String left = String.join("", tokens.subList(from, place.position()));
    String right = String.join("", tokens.subList(place.position() + 1, to));
    return DisplayText.visible((left + "[" + token(index) + "]" + right).strip());
  }
}
