package dev.loupe.inference.hub;

import com.fasterxml.jackson.databind.JsonNode;
import dev.loupe.inference.hub.HubException.Kind;
import dev.loupe.inference.json.InvalidJsonException;
import dev.loupe.inference.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Which files of a repository make a model, and whether a folder has them. */
final class ModelFiles {
  static final String CONFIG = "config.json";
  static final String TOKENIZER = "tokenizer.json";
  static final String VOCAB = "vocab.json";
  static final String MERGES = "merges.txt";
  static final String WEIGHTS = "model.safetensors";
  static final String WEIGHTS_SUFFIX = ".safetensors";
  static final String WEIGHTS_INDEX = "model.safetensors.index.json";

  /**
   * What a repository may have and a model can do without: special tokens, how text is generated.
   */
  static final List<String> OPTIONAL =
      List.of(
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "generation_config.json");

  private static final Pattern SHARD = Pattern.compile("[\\w-][\\w.-]{0,200}\\.safetensors");
  private static final int MAX_SHARDS = 1_000;

  private ModelFiles() {}

  /** The shards that an index names, sorted. */
  static SortedSet<String> shards(Path index) {
    JsonNode map;
    try {
      map = StrictJson.parse(Files.readAllBytes(index)).path("weight_map");
    } catch (IOException | InvalidJsonException e) {
      throw new HubException(Kind.CORRUPT, WEIGHTS_INDEX + " cannot be read: " + e.getMessage(), e);
    }
    SortedSet<String> shards = new TreeSet<>();
    for (JsonNode shard : map) {
      String name = shard.asText("");
      if (!SHARD.matcher(name).matches()) {
        throw new HubException(
            Kind.CORRUPT,
            WEIGHTS_INDEX + " names the shard \"" + name + "\"; expected a .safetensors file");
      }
      shards.add(name);
    }
    if (shards.isEmpty() || shards.size() > MAX_SHARDS) {
      throw new HubException(
          Kind.CORRUPT,
          "%s names %d shards; expected 1 to %d"
              .formatted(WEIGHTS_INDEX, shards.size(), MAX_SHARDS));
    }
    return shards;
  }

  /** True when a folder has all that a model needs; without a tokenizer it serves token ids. */
  static boolean complete(Path folder) {
    return has(folder, CONFIG) && hasWeights(folder);
  }

  private static boolean hasWeights(Path folder) {
    if (has(folder, WEIGHTS)) {
      return true;
    }
    return has(folder, WEIGHTS_INDEX)
        && shards(folder.resolve(WEIGHTS_INDEX)).stream().allMatch(shard -> has(folder, shard));
  }

  private static boolean has(Path folder, String name) {
    return Files.isRegularFile(folder.resolve(name));
  }
}
