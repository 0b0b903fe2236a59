package dev.loupe.sae.format;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.loupe.server.files.DurableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * loupe.json: what Loupe knows of a dictionary that it trained, or was told of one that it did not,
 * and SAELens has no field for. SAELens ignores the file.
 *
 * @param model id of the model
 * @param modelSha256 of the model's weights; empty when not known
 * @param hookPoint the hook point
 * @param coefficient of the L1 penalty or of AuxK
 * @param weightsSha256 of the weight file
 * @param created when the folder was written
 * @param training how it was trained, by name
 */
record DictionaryMetadata(
    String model,
    String modelSha256,
    String hookPoint,
    float coefficient,
    String weightsSha256,
    Instant created,
    Map<String, String> training) {
  private static final String FILE = "loupe.json";
  private static final int FORMAT = 1;
  private static final ObjectMapper JSON = new ObjectMapper();

  byte[] toJson() throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", FORMAT);
    root.put("model", model);
    root.put("model_sha256", modelSha256);
    root.put("hook_point", hookPoint);
    root.put("coefficient", coefficient);
    root.put("weights_sha256", weightsSha256);
    root.put("create_time", created.toString());
    ObjectNode node = root.putObject("training");
    new TreeMap<>(training).forEach(node::put);
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(root);
  }

  void write(Path folder) throws IOException {
    DurableFiles.write(folder.resolve(FILE), toJson());
  }

  /** What the folder says, or empty when it was not written by Loupe. */
  static Optional<DictionaryMetadata> read(Path folder)
      throws IOException, UnreadableDictionaryException {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      if (root.path("format").asInt() != FORMAT) {
        throw new UnreadableDictionaryException(
            "loupe.json has format %s; this version reads %d"
                .formatted(root.path("format"), FORMAT));
      }
      Map<String, String> training = new TreeMap<>();
      root.path("training")
          .properties()
          .forEach(e -> training.put(e.getKey(), e.getValue().asText()));
      return Optional.of(
          new DictionaryMetadata(
              root.path("model").asText(),
              root.path("model_sha256").asText(""),
              root.path("hook_point").asText(),
              (float) root.path("coefficient").asDouble(),
              root.path("weights_sha256").asText(),
              Instant.parse(root.path("create_time").asText()),
              training));
    } catch (JsonProcessingException | DateTimeException e) {
      throw new UnreadableDictionaryException("loupe.json is damaged: " + e.getMessage(), e);
    }
  }
}
