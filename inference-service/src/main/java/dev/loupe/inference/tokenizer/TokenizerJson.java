package dev.loupe.inference.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

  BpeFile read() {
    JsonNode model = root.path("model");
    String type = model.path("type").asText("BPE");
    if (!model.isObject() || !type.equals("BPE")) {
      throw fail("model.type must be \"BPE\", not " + model.path("type"));
    }
    refuseNormalizer(root.path("normalizer"));
    refuseText(model, "continuing_subword_prefix");
    refuseText(model, "end_of_word_suffix");
    if (model.path("dropout").asDouble(0) != 0) {
      throw fail("model.dropout %s is not supported".formatted(model.path("dropout")));
    }
    Map<String, Integer> ids = VocabAndMerges.ids(name + ", model.vocab", model.path("vocab"));
    Optional<String> unknown = unknown(model.path("unk_token"), ids);
    refuseWhatNeedsUnknownBytes(model, ids, unknown);
    return new BpeFile(
        ids,
        merges(model.path("merges")),
        added(ids),
        SplitRules.read(name, root.path("pre_tokenizer")),
        model.path("ignore_merges").asBoolean(false),
        unknown,
        Optional.ofNullable(root.path("padding").path("pad_token").textValue()));
  }

  private void refuseNormalizer(JsonNode normalizer) {
    boolean none = normalizer.isMissingNode() || normalizer.isNull();
    boolean empty =
        normalizer.path("type").asText("").equals("Sequence")
            && normalizer.path("normalizers").isEmpty();
    if (!none && !empty) {
      throw fail("normalizer %s is not supported".formatted(normalizer.path("type")));
    }
  }

  private void refuseText(JsonNode model, String field) {
    if (!model.path(field).asText("").isEmpty() && !model.path(field).isNull()) {
      throw fail("model.%s %s is not supported".formatted(field, model.path(field)));
    }
  }

  /** Where every byte has a token these two change nothing. */
  private void refuseWhatNeedsUnknownBytes(
      JsonNode model, Map<String, Integer> ids, Optional<String> unknown) {
    int missing = new ByteAlphabet().firstMissing(ids.keySet());
    if (missing < 0) {
      return;
    }
    boolean fallback = model.path("byte_fallback").asBoolean(false);
    boolean fuse = model.path("fuse_unk").asBoolean(false) && unknown.isPresent();
    if (fallback || fuse) {
      throw fail(
          "model.%s true is not supported where the vocabulary lacks a byte (0x%02X)"
              .formatted(fallback ? "byte_fallback" : "fuse_unk", missing));
    }
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

  private List<BpeFile.Listed> added(Map<String, Integer> ids) {
    List<BpeFile.Listed> added = new ArrayList<>();
    JsonNode list = root.path("added_tokens");
    int bound = VocabAndMerges.idBound(ids.size() + list.size());
    for (JsonNode entry : list) {
      String where = "%s, added_tokens[%d]".formatted(name, added.size());
      AddedToken token = AddedToken.read(where, entry);
      int id = VocabAndMerges.id(where, token.content(), entry.path("id"), bound);
      added.add(new BpeFile.Listed(id, token));
    }
    return added;
  }

  private Optional<String> unknown(JsonNode token, Map<String, Integer> ids) {
    String text = token.isTextual() ? token.textValue() : "";
    if (text.isEmpty()) {
      return Optional.empty();
    }
    if (!ids.containsKey(text)) {
      throw fail("model.unk_token \"%s\" is not in the vocabulary".formatted(text));
    }
    return Optional.of(text);
  }

  private TokenizerException fail(String message) {
    return new TokenizerException(name + ": " + message);
  }
}
