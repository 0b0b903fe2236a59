package dev.loupe.inference.tokenizer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The tokens added to a vocabulary, under the rules of Hugging Face's tokenizers: one that the
 * vocabulary has keeps its id, any other gets the next free one, whatever id a file gives it. Added
 * again it takes its new properties.
 */
final class AddedVocabulary {
  private final Map<String, Integer> vocabulary;
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<Integer, AddedToken> byId = new HashMap<>();
  private final Set<String> specials = new HashSet<>();

  /** As patterns: what is looked for, special ones first. */
  private final List<AddedToken> specialPatterns = new ArrayList<>();

  private final List<AddedToken> otherPatterns = new ArrayList<>();
  private int highest = -1;

  AddedVocabulary(Map<String, Integer> vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** Adds tokens in their order. */
  void add(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      if (token.special() && specials.add(token.content())) {
        specialPatterns.add(token);
      }
    }
    for (AddedToken token : tokens) {
      int id = find(token.content()).orElseGet(this::next);
      if (token.equals(byId.put(id, token))) {
        continue;
      }
      ids.put(token.content(), id);
      highest = Math.max(highest, id);
      if (!specials.contains(token.content())) {
        otherPatterns.add(token);
      }
    }
  }

  private int next() {
    return Math.max(highest + 1, vocabulary.size());
  }

  /** The id of a token, added or not. */
  OptionalInt find(String content) {
    Integer id = ids.getOrDefault(content, vocabulary.get(content));
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** The texts of the added tokens. */
  Set<String> contents() {
    return new HashSet<>(ids.keySet());
  }

  /** The added tokens by id. */
  Map<Integer, AddedToken> byId() {
    return Map.copyOf(byId);
  }

  /** What is looked for first, or after that, with its id. */
  Map<String, Integer> patterns(boolean normalized) {
    Map<String, Integer> patterns = new HashMap<>();
    for (List<AddedToken> some : List.of(specialPatterns, otherPatterns)) {
      for (AddedToken token : some) {
        if (token.normalized() == normalized) {
          patterns.put(token.content(), ids.get(token.content()));
        }
      }
    }
    return patterns;
  }

  boolean isSpecial(AddedToken token) {
    return specials.contains(token.content());
  }
}
