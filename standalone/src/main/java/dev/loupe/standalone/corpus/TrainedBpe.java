package dev.loupe.standalone.corpus;

import java.util.List;

/**
 * A byte-level BPE: 256 bytes, then one token for each merge, then the end-of-text token.
 *
 * @param tokens every token but the last by id, in {@link ByteAlphabet}'s characters
 * @param merges the merges, first learnt first
 */
public record TrainedBpe(List<String> tokens, List<Merge> merges) {
  /** What GPT-2 calls the token between documents. */
  public static final String END_OF_TEXT = "<|endoftext|>";

  /** Two tokens that become one. */
  public record Merge(String left, String right) {}

  public TrainedBpe {
    tokens = List.copyOf(tokens);
    merges = List.copyOf(merges);
  }

  /** The end-of-text token's id, the last. */
  public int endOfText() {
    return tokens.size();
  }

  /** Number of ids, the end-of-text token's included. */
  public int size() {
    return tokens.size() + 1;
  }
}
