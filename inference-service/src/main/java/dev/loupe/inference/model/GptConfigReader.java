package dev.loupe.inference.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads a Hugging Face {@code config.json} of the GPT-2 family. A setting that changes the model's
 * arithmetic is either honoured or refused by its name; settings for training (dropout,
 * initialiser) and for task heads do not concern a forward pass and are passed over.
 */
public final class GptConfigReader {
  private static final long MAX_BYTES = 1 << 20;

  private GptConfigReader() {}

  /**
   * Reads a file.
   *
   * @throws ConfigException when it is not a config of the family, naming the field
   */
  public static GptConfig read(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new ConfigException(file.getFileName() + " is over " + MAX_BYTES + " bytes");
    }
    return parse(Files.readString(file));
  }

  /**
   * Reads a config from its text.
   *
   * @throws ConfigException when it is not a config of the family, naming the field
   */
  public static GptConfig parse(String json) {
    JsonNode root;
    try {
      root = new ObjectMapper().readTree(json);
    } catch (JsonProcessingException e) {
      throw new ConfigException("config.json is not JSON: " + e.getOriginalMessage());
    }
    if (!root.isObject()) {
      throw new ConfigException("config.json is not a JSON object");
    }
    String modelType = root.path("model_type").asText("");
    if (!modelType.equals("gpt2")) {
      throw new ConfigException("model_type is '" + modelType + "'; expected 'gpt2'");
    }
    refuseTrue(root, "add_cross_attention");
    refuseTrue(root, "is_encoder_decoder");
    if (root.hasNonNull("quantization_config")) {
      throw new ConfigException("quantization_config is set; expected unquantised weights");
    }
    int dModel = integer(root, "n_embd", "hidden_size", 768);
    return new GptConfig(
        integer(root, "n_layer", "num_hidden_layers", 12),
        integer(root, "n_head", "num_attention_heads", 12),
        dModel,
        integer(root, "n_inner", "n_inner", Math.multiplyExact(4, dModel)),
        integer(root, "n_positions", "n_ctx", 1024),
        integer(root, "vocab_size", "vocab_size", 50257),
        number(root, "layer_norm_epsilon", 1e-5),
        Activation.ofConfigName(text(root, "activation_function", "gelu_new")),
        flag(root, "tie_word_embeddings", true),
        flag(root, "scale_attn_weights", true),
        flag(root, "scale_attn_by_inverse_layer_idx", false),
        token(root, "bos_token_id"),
        token(root, "eos_token_id"));
  }

  private static void refuseTrue(JsonNode root, String field) {
    if (flag(root, field, false)) {
      throw new ConfigException(field + " is true; expected false");
    }
  }

  private static int integer(JsonNode root, String field, String alias, int fallback) {
    JsonNode node = root.hasNonNull(field) ? root.get(field) : root.path(alias);
    if (node.isMissingNode() || node.isNull()) {
      return fallback;
    }
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 1) {
      throw new ConfigException(field + " is " + node + "; expected a positive integer");
    }
    return node.intValue();
  }

  private static double number(JsonNode root, String field, double fallback) {
    JsonNode node = root.path(field);
    if (node.isMissingNode() || node.isNull()) {
      return fallback;
    }
    if (!node.isNumber()) {
      throw new ConfigException(field + " is " + node + "; expected a number");
    }
    return node.doubleValue();
  }

  private static String text(JsonNode root, String field, String fallback) {
    JsonNode node = root.path(field);
    if (node.isMissingNode() || node.isNull()) {
      return fallback;
    }
    if (!node.isTextual()) {
      throw new ConfigException(field + " is " + node + "; expected a string");
    }
    return node.textValue();
  }

  private static boolean flag(JsonNode root, String field, boolean fallback) {
    JsonNode node = root.path(field);
    if (node.isMissingNode() || node.isNull()) {
      return fallback;
    }
    if (!node.isBoolean()) {
      throw new ConfigException(field + " is " + node + "; expected true or false");
    }
    return node.booleanValue();
  }

  private static int token(JsonNode root, String field) {
    JsonNode node = root.path(field);
    if (node.isArray() && !node.isEmpty()) {
      node = node.get(0);
    }
    return node.isIntegralNumber() && node.canConvertToInt() ? node.intValue() : -1;
  }
}
