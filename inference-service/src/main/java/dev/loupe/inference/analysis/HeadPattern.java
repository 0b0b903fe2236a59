package dev.loupe.inference.analysis;

/** What an attention head may be looking for. Patterns are [query, key] of 0 and 1. */
public enum HeadPattern {
  /** The token before. */
  PREVIOUS_TOKEN {
    @Override
    boolean matches(int[] tokens, int query, int key) {
      return key == query - 1;
    }
  },
  /** Earlier occurrences of the same token. */
  DUPLICATE_TOKEN {
    @Override
    boolean matches(int[] tokens, int query, int key) {
      return key < query && tokens[key] == tokens[query];
    }
  },
  /** The tokens after earlier occurrences of the same token. */
  INDUCTION {
    @Override
    boolean matches(int[] tokens, int query, int key) {
      return key >= 1 && key <= query && key - 1 < query && tokens[key - 1] == tokens[query];
    }
  };

  /** True where a head of this kind attends. */
  abstract boolean matches(int[] tokens, int query, int key);
}
