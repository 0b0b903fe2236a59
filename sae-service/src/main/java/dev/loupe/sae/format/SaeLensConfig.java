package dev.loupe.sae.format;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.loupe.sae.dictionary.Architecture;
import dev.loupe.sae.dictionary.InputNormalization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * cfg.json as SAELens 6 writes it.
 *
 * @param architecture with the constants that the file says
 * @param rescalesByDecoderNorm whether TopK ranks pre-activations times decoder norms
 * @param modelName SAELens's name of the model, "" when the file says none
 * @param hookName "" when the file says none
 */
record SaeLensConfig(
    Architecture architecture,
    int dIn,
    int dSae,
    boolean subtractsDecoderBias,
    InputNormalization normalization,
    boolean rescalesByDecoderNorm,
    String modelName,
    String hookName) {
  static final String FILE = "cfg.json";
  private static final String FORMAT_VERSION = "6.54.12";
  private static final int MAX_BYTES = 1 << 20;
  private static final int MAX_D_IN = 1 << 20;
  private static final int MAX_D_SAE = 1 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  static SaeLensConfig read(Path folder) throws IOException, UnreadableDictionaryException {
    JsonNode root = parse(folder);
    String name = root.path("architecture").asText("");
    boolean topK = name.equals("topk");
    if (!topK && !name.equals("standard")) {
      throw new UnreadableDictionaryException(
          name.isEmpty()
              ? "cfg.json names no architecture; expected standard or topk"
              : "cfg.json has architecture '" + name + "'; Loupe reads standard and topk");
    }
    int dIn = width(root, "d_in", MAX_D_IN);
    int dSae = width(root, "d_sae", MAX_D_SAE);
    JsonNode metadata = root.path("metadata");
    JsonNode details = metadata.path("training_architecture_details");
    Architecture architecture =
        topK
            ? new Architecture.TopK(
                width(root, "k", dSae), (float) details.path("aux_loss_coefficient").asDouble(0))
            : new Architecture.Standard((float) details.path("l1_coefficient").asDouble(0));
    return new SaeLensConfig(
        architecture,
        dIn,
        dSae,
        root.path("apply_b_dec_to_input").asBoolean(true),
        normalization(root.path("normalize_activations").asText("none")),
        topK && root.path("rescale_acts_by_decoder_norm").asBoolean(false),
        metadata.path("model_name").asText(""),
        metadata.path("hook_name").asText(""));
  }

  /** The file's content, as SAELens 6.54 reads it. */
  byte[] toJson(int contextSize, boolean prependsBos) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("architecture", architecture.saeLensName());
    root.put("d_in", dIn);
    root.put("d_sae", dSae);
    root.put("dtype", "float32");
    root.put("device", "cpu");
    root.put("apply_b_dec_to_input", subtractsDecoderBias);
    root.put("normalize_activations", "none");
    root.put("reshape_activations", hookName.endsWith("hook_z") ? "hook_z" : "none");
    ObjectNode metadata = root.putObject("metadata");
    // SAELens takes a file without a version, or with one below 6, for the older format.
    metadata.put("sae_lens_version", FORMAT_VERSION);
    metadata.put("model_name", modelName);
    metadata.put("hook_name", hookName);
    metadata.put("context_size", contextSize);
    metadata.put("prepend_bos", prependsBos);
    metadata.put("training_architecture", architecture.saeLensName());
    ObjectNode details = metadata.putObject("training_architecture_details");
    if (architecture instanceof Architecture.TopK topK) {
      root.put("k", topK.k());
      root.put("rescale_acts_by_decoder_norm", false);
      details.put("aux_loss_coefficient", topK.auxkCoefficient());
    } else if (architecture instanceof Architecture.Standard standard) {
      details.put("l1_coefficient", standard.l1Coefficient());
    }
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(root);
  }

  private static JsonNode parse(Path folder) throws IOException, UnreadableDictionaryException {
    Path file = folder.resolve(FILE);
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new UnreadableDictionaryException("cfg.json is over 1 MiB");
      }
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      if (root == null || !root.isObject()) {
        throw new UnreadableDictionaryException("cfg.json holds no JSON object");
      }
      return root;
    } catch (NoSuchFileException e) {
      throw new UnreadableDictionaryException("cfg.json is missing", e);
    } catch (JsonProcessingException e) {
      throw new UnreadableDictionaryException("cfg.json is no JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static int width(JsonNode root, String field, int max)
      throws UnreadableDictionaryException {
    JsonNode value = root.path(field);
    if (!value.isIntegralNumber() || value.asLong() < 1 || value.asLong() > max) {
      throw new UnreadableDictionaryException(
          "cfg.json has %s %s; expected 1 to %d"
              .formatted(field, value.isMissingNode() ? "missing" : value, max));
    }
    return value.asInt();
  }

  private static InputNormalization normalization(String name)
      throws UnreadableDictionaryException {
    return switch (name) {
      // The dataset's mean norm is folded into the weights when SAELens saves a dictionary.
      case "none", "expected_average_only_in" -> InputNormalization.NONE;
      case "layer_norm" -> InputNormalization.LAYER_NORM;
      case "constant_norm_rescale" -> InputNormalization.CONSTANT_NORM;
      default ->
          throw new UnreadableDictionaryException(
              "cfg.json has normalize_activations '"
                  + name
                  + "'; Loupe reads none, expected_average_only_in, layer_norm and"
                  + " constant_norm_rescale");
    };
  }
}
