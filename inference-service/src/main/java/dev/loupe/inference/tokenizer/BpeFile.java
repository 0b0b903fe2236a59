package dev.loupe.inference.tokenizer;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the file of a vocabulary says.
 *
 * @param ids the id of every token, spelled in GPT-2's byte alphabet
 * @param merges pairs of tokens, the ones to merge first coming first
 * @param added tokens that are found before any merging, by the id that the file gives them
 * @param rules how text is cut before merging
 * @param ignoreMerges takes a word that is a token whole
 * @param unknown the token that stands for a byte without one
 * @param padding the token that the file fills rows up with
 */
record BpeFile(
    Map<String, Integer> ids,
    List<Vocabulary.Merge> merges,
    List<Listed> added,
    SplitRules rules,
    boolean ignoreMerges,
    Optional<String> unknown,
    Optional<String> padding) {

  /** An added token with the id that the file gives it. */
  record Listed(int id, AddedToken token) {}
}
