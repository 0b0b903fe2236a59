package dev.loupe.inference.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.loupe.inference.json.InvalidJsonException;
import dev.loupe.inference.json.StrictJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Reads a Hugging Face {@code config.json} of the GPT-2 family. A setting that changes the model's
 * arithmetic is either honoured or refused by its name; settings for training (dropout,
 * initialiser), for task heads and for how text is generated do not concern a forward pass and are
 * passed over. {@code reorder_and_upcast_attn} asks for scores in float32, which is what they are
 * unless a narrower compute type is chosen.
 */
public final class GptConfigReader {
  private static final long MAX_BYTES = 1 << 20;
  private static final int MOST_SHOWN = 80;

  private final JsonNode root;

  private GptConfigReader(JsonNode root) {
    this.root = root;
  }

  /**
   * Reads a file.
   *
   * @throws ConfigException when it is not a config of the family, naming the field
   */
  public static GptConfig read(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new ConfigException(file.getFileName() + " is over " + MAX_BYTES + " bytes");
    }
    return parse(Files.readAllBytes(file));
  }

  /**
   * Reads a config from its text.
   *
   * @throws ConfigException when it is not a config of the family, naming the field
   */
  public static GptConfig parse(String json) {
    return parse(json.getBytes(StandardCharsets.UTF_8));
  }

  private static GptConfig parse(byte[] json) {
    JsonNode root;
    try {
      root = StrictJson.parse(json);
    } catch (InvalidJsonException e) {
      throw new ConfigException("config.json " + e.getMessage());
    }
    if (!root.isObject()) {
      throw new ConfigException("config.json is not a JSON object");
    }
    return new GptConfigReader(root).config();
  }

  private GptConfig config() {
    if (!root.path("model_type").asText("").equals("gpt2")) {
      throw new ConfigException(
          "model_type is '%s'; expected 'gpt2'"
              .formatted(shown(root.path("model_type").asText(""))));
    }
    refuseWhatIsNotGpt2();
    int dModel = integer(768, "n_embd", "hidden_size");
    return new GptConfig(
        integer(12, "n_layer", "num_hidden_layers"),
        integer(12, "n_head", "num_attention_heads"),
        dModel,
        integer((int) Math.min(Integer.MAX_VALUE, 4L * dModel), "n_inner"),
        contextLength(),
        integer(50257, "vocab_size"),
        number("layer_norm_epsilon", 1e-5),
        Activation.ofConfigName(text("activation_function", "gelu_new")),
        flag("tie_word_embeddings", true),
        flag("scale_attn_weights", true),
        flag("scale_attn_by_inverse_layer_idx", false),
        flag("reorder_and_upcast_attn", false),
        token("bos_token_id"),
        token("eos_token_id"));
  }

  private void refuseWhatIsNotGpt2() {
    for (String field : List.of("add_cross_attention", "is_encoder_decoder")) {
      if (flag(field, false)) {
        throw new ConfigException(field + " is true; expected false");
      }
    }
    JsonNode pruned = root.path("pruned_heads");
    if (!pruned.isEmpty() || (pruned.isValueNode() && !pruned.isNull())) {
      throw new ConfigException(
          "pruned_heads is " + shown(pruned) + "; expected none: a model with all its heads");
    }
    refuse("quantization_config", "unquantised weights");
    refuse("auto_map", "none: a model of GPT-2's own code");
  }

  private void refuse(String field, String expected) {
    if (root.hasNonNull(field)) {
      throw new ConfigException(field + " is set; expected " + expected);
    }
  }

  /** The table's rows. Old configs say {@code n_ctx}, which newer ones repeat or leave out. */
  private int contextLength() {
    boolean named = root.hasNonNull("n_positions") || root.hasNonNull("max_position_embeddings");
    return named ? integer(1024, "n_positions", "max_position_embeddings") : integer(1024, "n_ctx");
  }

  private int integer(int fallback, String... names) {
    Optional<String> first = Optional.empty();
    int value = fallback;
    for (String name : names) {
      if (!root.hasNonNull(name)) {
        continue;
      }
      int found = positive(name);
      if (first.isPresent() && found != value) {
        throw new ConfigException(
            "%s is %d, but %s is %d; expected the same".formatted(name, found, first.get(), value));
      }
      first = first.or(() -> Optional.of(name));
      value = found;
    }
    return value;
  }

  private int positive(String field) {
    JsonNode node = root.get(field);
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 1) {
      throw new ConfigException(field + " is " + shown(node) + "; expected a positive integer");
    }
    return node.intValue();
  }

  private double number(String field, double fallback) {
    if (!root.hasNonNull(field)) {
      return fallback;
    }
    JsonNode node = root.get(field);
    if (!node.isNumber()) {
      throw new ConfigException(field + " is " + shown(node) + "; expected a number");
    }
    return node.doubleValue();
  }

  private String text(String field, String fallback) {
    if (!root.hasNonNull(field)) {
      return fallback;
    }
    JsonNode node = root.get(field);
    if (!node.isTextual()) {
      throw new ConfigException(field + " is " + shown(node) + "; expected a string");
    }
    return shown(node.textValue());
  }

  private boolean flag(String field, boolean fallback) {
    if (!root.hasNonNull(field)) {
      return fallback;
    }
    JsonNode node = root.get(field);
    if (!node.isBoolean()) {
      throw new ConfigException(field + " is " + shown(node) + "; expected true or false");
    }
    return node.booleanValue();
  }

  private int token(String field) {
    JsonNode node = root.path(field);
    if (node.isArray() && !node.isEmpty()) {
      node = node.get(0);
    }
    return node.isIntegralNumber() && node.canConvertToInt() ? node.intValue() : -1;
  }

  private static String shown(JsonNode node) {
    return shown(node.toString());
  }

  private static String shown(String text) {
    return text.length() <= MOST_SHOWN ? text : text.substring(0, MOST_SHOWN) + "...";
  }
}
