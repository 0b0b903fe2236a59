package dev.loupe.inference.generation;

import java.util.Arrays;

/** How often a text holds each token. */
final class SeenTokens {
  private final int[] counts;
  private int[] ids = new int[64];
  private int distinct;

  /** None yet, of a vocabulary of this size; with 0, none ever. */
  SeenTokens(int vocabulary) {
    counts = new int[vocabulary];
  }

  void add(int id) {
    if (counts.length > 0 && counts[id]++ == 0) {
      if (distinct == ids.length) {
        ids = Arrays.copyOf(ids, 2 * ids.length);
      }
      ids[distinct++] = id;
    }
  }

  /** How many different tokens there are. */
  int distinct() {
    return distinct;
  }

  /** One of them, by the order in which they came. */
  int id(int index) {
    return ids[index];
  }

  int count(int id) {
    return counts[id];
  }
}
