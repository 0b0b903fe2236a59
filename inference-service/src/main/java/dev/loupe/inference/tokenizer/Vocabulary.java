package dev.loupe.inference.tokenizer;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What a tokenizer file says.
 *
 * @param ids the id of every token, spelled in GPT-2's byte alphabet
 * @param merges pairs of tokens, the ones to merge first coming first
 * @param added tokens that are found before any merging
 * @param addPrefixSpace puts a space before a text that does not start with one
 * @param splitWords cuts the text into words before merging
 * @param ignoreMerges takes a word that is a token whole
 * @param unknown the id that stands for a byte without a token
 */
record Vocabulary(
    Map<String, Integer> ids,
    List<Merge> merges,
    List<AddedToken> added,
    boolean addPrefixSpace,
    boolean splitWords,
    boolean ignoreMerges,
    OptionalInt unknown) {

  /** Two tokens that merge. */
  record Merge(String left, String right) {}
}
