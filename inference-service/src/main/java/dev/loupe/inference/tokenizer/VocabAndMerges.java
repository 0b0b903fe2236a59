package dev.loupe.inference.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** GPT-2's own pair of files: {@code vocab.json} and {@code merges.txt}. */
final class VocabAndMerges {
  private VocabAndMerges() {}

  static BpeFile read(String vocabName, JsonNode vocab, String mergesName, String mergesText) {
    return new BpeFile(
        ids(vocabName, vocab),
        merges(mergesName, mergesText),
        List.of(),
        SplitRules.GPT2,
        false,
        Optional.empty(),
        Optional.empty());
  }

  /**
   * Reads an object of token to id; every id is in use once and none is far beyond their number.
   */
  static Map<String, Integer> ids(String name, JsonNode vocab) {
    if (vocab == null || !vocab.isObject() || vocab.isEmpty()) {
      throw new TokenizerException(
          name + ": the vocabulary must be an object that maps tokens to ids");
    }
    int bound = idBound(vocab.size());
    Map<String, Integer> ids = new HashMap<>(vocab.size() * 2);
    boolean[] used = new boolean[bound];
    vocab
        .properties()
        .forEach(
            entry -> {
              int id = id(name, entry.getKey(), entry.getValue(), bound);
              if (used[id]) {
                throw new TokenizerException("%s: id %d has two tokens".formatted(name, id));
              }
              used[id] = true;
              ids.put(entry.getKey(), id);
            });
    return ids;
  }

  /** Ids may have gaps, but not so wide that a table by id would dwarf the file. */
  static int idBound(int tokens) {
    return 2 * tokens + 4096;
  }

  static int id(String name, String token, JsonNode value, int bound) {
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw new TokenizerException(
          "%s: the id of \"%s\" must be a whole number, not %s".formatted(name, token, value));
    }
    int id = value.intValue();
    if (id < 0 || id >= bound) {
      throw new TokenizerException(
          "%s: the id of \"%s\" is %d; expected 0 to %d".formatted(name, token, id, bound - 1));
    }
    return id;
  }

  private static List<Vocabulary.Merge> merges(String name, String text) {
    List<Vocabulary.Merge> merges = new ArrayList<>();
    int number = 0;
    for (String line : text.split("\r?\n", -1)) {
      number++;
      if (line.isEmpty() || line.startsWith("#version")) {
        continue;
      }
      merges.add(merge(name + ", line " + number, line));
    }
    return merges;
  }

  /** Reads a merge that is written as two tokens with a space between. */
  static Vocabulary.Merge merge(String where, String line) {
    int space = line.indexOf(' ');
    if (space <= 0 || space == line.length() - 1 || line.indexOf(' ', space + 1) >= 0) {
      throw new TokenizerException(
          "%s: a merge must be two tokens with a space between, not \"%s\"".formatted(where, line));
    }
    return new Vocabulary.Merge(line.substring(0, space), line.substring(space + 1));
  }
}
