package dev.loupe.inference.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Hugging Face's {@code tokenizer.json}, as far as byte-level BPE needs it. What would change the
 * tokens and is not supported is refused by its name.
 */
final class TokenizerJson {
  private final String name;
  private final JsonNode root;

  TokenizerJson(String name, JsonNode root) {
    this.name = name;
    this.root = root;
  }

  Vocabulary vocabulary() {
    JsonNode model = root.path("model");
    String type = model.path("type").asText("BPE");
    if (!model.isObject() || !type.equals("BPE")) {
      throw fail("model.type must be \"BPE\", not " + model.path("type"));
    }
    if (!root.path("normalizer").isMissingNode() && !root.path("normalizer").isNull()) {
      throw fail("normalizer %s is not supported".formatted(root.path("normalizer").path("type")));
    }
    refuseText(model, "continuing_subword_prefix");
    refuseText(model, "end_of_word_suffix");
    if (model.path("dropout").asDouble(0) != 0) {
      throw fail("model.dropout %s is not supported".formatted(model.path("dropout")));
    }
    Map<String, Integer> ids = VocabAndMerges.ids(name + ", model.vocab", model.path("vocab"));
    JsonNode byteLevel = byteLevel();
    return new Vocabulary(
        ids,
        merges(model.path("merges")),
        added(ids),
        byteLevel.path("add_prefix_space").asBoolean(true),
        byteLevel.path("use_regex").asBoolean(true),
        model.path("ignore_merges").asBoolean(false),
        unknown(model.path("unk_token"), ids));
  }

  private void refuseText(JsonNode model, String field) {
    if (!model.path(field).asText("").isEmpty() && !model.path(field).isNull()) {
      throw fail("model.%s %s is not supported".formatted(field, model.path(field)));
    }
  }

  private JsonNode byteLevel() {
    JsonNode pre = root.path("pre_tokenizer");
    JsonNode only = pre;
    if (pre.path("type").asText().equals("Sequence") && pre.path("pretokenizers").size() == 1) {
      only = pre.path("pretokenizers").get(0);
    }
    if (!only.path("type").asText().equals("ByteLevel")) {
      throw fail("pre_tokenizer must be ByteLevel, as GPT-2's is, not " + pre.path("type"));
    }
    return only;
  }

  private List<Vocabulary.Merge> merges(JsonNode list) {
    if (!list.isArray()) {
      throw fail("model.merges must be a list");
    }
    List<Vocabulary.Merge> merges = new ArrayList<>(list.size());
    for (JsonNode entry : list) {
      merges.add(merge(name + ", merge " + merges.size(), entry));
    }
    return merges;
  }

  private static Vocabulary.Merge merge(String where, JsonNode entry) {
    if (entry.isTextual()) {
      return VocabAndMerges.merge(where, entry.textValue());
    }
    boolean pair =
        entry.isArray()
            && entry.size() == 2
            && entry.get(0).isTextual()
            && entry.get(1).isTextual();
    if (!pair) {
      throw new TokenizerException(where + ": a merge must be \"a b\" or [\"a\", \"b\"]");
    }
    return new Vocabulary.Merge(entry.get(0).textValue(), entry.get(1).textValue());
  }

  private List<AddedToken> added(Map<String, Integer> ids) {
    List<AddedToken> added = new ArrayList<>();
    JsonNode list = root.path("added_tokens");
    int bound = VocabAndMerges.idBound(ids.size() + list.size());
    for (JsonNode entry : list) {
      String content = entry.path("content").asText("");
      if (content.isEmpty()) {
        throw fail("added_tokens[%d].content must not be empty".formatted(added.size()));
      }
      int id = VocabAndMerges.id(name + ", added_tokens", content, entry.path("id"), bound);
      added.add(
          new AddedToken(
              ids.getOrDefault(content, id), // a token of the vocabulary keeps its id
              content,
              entry.path("single_word").asBoolean(false),
              entry.path("lstrip").asBoolean(false),
              entry.path("rstrip").asBoolean(false)));
    }
    return added;
  }

  private OptionalInt unknown(JsonNode token, Map<String, Integer> ids) {
    String text = token.isTextual() ? token.textValue() : "";
    if (text.isEmpty()) {
      return OptionalInt.empty();
    }
    Integer id = ids.get(text);
    if (id == null) {
      throw fail("model.unk_token \"%s\" is not in the vocabulary".formatted(text));
    }
    return OptionalInt.of(id);
  }

  private TokenizerException fail(String message) {
    return new TokenizerException(name + ": " + message);
  }
}
