package dev.loupe.inference.generation;

import com.fasterxml.jackson.databind.JsonNode;
import dev.loupe.inference.json.InvalidJsonException;
import dev.loupe.inference.json.StrictJson;
import dev.loupe.inference.model.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * Reads after which tokens a model's texts end, as transformers 5 does: {@code eos_token_id} of
 * {@code generation_config.json} where there is such a file, whatever it says, else that of {@code
 * config.json}.
 */
public final class StopTokens {
  private static final String FIELD = "eos_token_id";
  private static final long MAX_BYTES = 1 << 20;
  private static final int MOST = 1_000;

  private StopTokens() {}

  /**
   * The tokens of a model's folder, those that its vocabulary does not hold left out.
   *
   * @param vocabularySize token ids that the model knows
   * @param otherwise the token that is meant where neither file has the field
   * @throws ConfigException when the field is neither a number, nor a list of numbers, nor null
   */
  public static Set<Integer> read(Path folder, int vocabularySize, OptionalInt otherwise)
      throws IOException {
    Path generation = folder.resolve("generation_config.json");
    boolean own = Files.exists(generation);
    JsonNode field = field(own ? generation : folder.resolve("config.json"));
    Set<Integer> tokens = new TreeSet<>();
    if (field.isMissingNode() && !own) {
      otherwise.ifPresent(tokens::add);
    } else if (field.isArray() && field.size() <= MOST) {
      field.forEach(entry -> tokens.add(token(entry)));
    } else if (!field.isMissingNode() && !field.isNull()) {
      tokens.add(token(field));
    }
    tokens.removeIf(token -> token < 0 || token >= vocabularySize);
    return tokens;
  }

  private static JsonNode field(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new ConfigException(file.getFileName() + " is over " + MAX_BYTES + " bytes");
    }
    byte[] json = Files.readAllBytes(file);
    try {
      JsonNode root = StrictJson.parse(json);
      if (root.isObject()) {
        return root.path(FIELD);
      }
    } catch (InvalidJsonException e) {
      throw new ConfigException(file.getFileName() + " " + e.getMessage());
    }
    throw new ConfigException(file.getFileName() + " is not a JSON object");
  }

  private static int token(JsonNode node) {
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw new ConfigException(
          "%s holds %s; expected a token id, a list of at most %d of them, or null"
              .formatted(FIELD, node.isContainerNode() ? "a list or object" : node, MOST));
    }
    return node.intValue();
  }
}
