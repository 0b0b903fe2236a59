package dev.loupe.inference.analysis;

/** What an attention head may be looking for, as patterns of 0 and 1. */
public enum HeadPattern implements DetectionPattern {
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
      return key >= 1 && key <= query && tokens[key - 1] == tokens[query];
    }
  };

  /** True where a head of this kind attends. */
  abstract boolean matches(int[] tokens, int query, int key);

  @Override
  public float[] on(int[] tokens) {
    int length = tokens.length;
    float[] pattern = new float[length * length];
    for (int query = 0; query < length; query++) {
      for (int key = 0; key <= query; key++) {
        pattern[query * length + key] = matches(tokens, query, key) ? 1 : 0;
      }
    }
    return pattern;
  }
}
