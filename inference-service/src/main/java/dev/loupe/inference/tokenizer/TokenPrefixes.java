package dev.loupe.inference.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;

/** Texts in their order, among which the longest that begins at a place is found by halving. */
final class TokenPrefixes {
  private final String[] contents;
  private final int[] ids;
  private final BitSet firsts = new BitSet();

  TokenPrefixes(Map<String, Integer> idsByContent) {
    contents = idsByContent.keySet().toArray(String[]::new);
    Arrays.sort(contents);
    ids = Arrays.stream(contents).mapToInt(idsByContent::get).toArray();
    for (String content : contents) {
      firsts.set(content.charAt(0));
    }
  }

  /** The longest that begins at {@code at} and ends by {@code to}, or -1. */
  int longest(String text, int at, int to) {
    if (!firsts.get(text.charAt(at))) {
      return -1;
    }
    int best = -1;
    int low = 0;
    int high = contents.length;
    for (int depth = 0; low < high && at + depth < to; depth++) {
      char unit = text.charAt(at + depth);
      low = firstFrom(low, high, depth, unit);
      high = firstFrom(low, high, depth, unit + 1);
      if (low < high && contents[low].length() == depth + 1) {
        best = low;
        low++; // the others begin with it and go on
      }
    }
    return best;
  }

  /** The first of a range whose character at a depth is that one or a later one. */
  private int firstFrom(int from, int to, int depth, int unit) {
    int low = from;
    int high = to;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (contents[middle].charAt(depth) < unit) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  int id(int index) {
    return ids[index];
  }

  int length(int index) {
    return contents[index].length();
  }
}
