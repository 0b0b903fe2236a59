package dev.loupe.inference.tokenizer;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What a tokenizer's files say together.
 *
 * @param ids the id of every token, spelled in GPT-2's byte alphabet
 * @param merges pairs of tokens, the ones to merge first coming first; of a pair given twice the
 *     last counts
 * @param added tokens that are found before any merging
 * @param rules how text is cut before merging
 * @param ignoreMerges takes a word that is a token whole
 * @param unknown the id that stands for a byte without a token
 * @param specialTokens those that play a part
 * @param literal leaves special tokens in texts as they are written, unless told otherwise
 */
record Vocabulary(
    Map<String, Integer> ids,
    List<Merge> merges,
    AddedVocabulary added,
    SplitRules rules,
    boolean ignoreMerges,
    OptionalInt unknown,
    SpecialTokens specialTokens,
    boolean literal) {

  /** Two tokens that merge. */
  record Merge(String left, String right) {}
}
