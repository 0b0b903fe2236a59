package dev.loupe.tensor;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The tensors of a Hugging Face folder: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} lists in its {@code weight_map}.
 */
public final class ShardedSafetensors implements TensorSource {
  /** The file's name when there is only one. */
  public static final String SINGLE = "model.safetensors";

  /** The index's name when there are shards. */
  public static final String INDEX = "model.safetensors.index.json";

  private static final long MAX_INDEX_BYTES = 64L << 20;
  private static final Pattern SHARD = Pattern.compile("[\\w-][\\w.-]{0,200}\\.safetensors");

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final Map<String, SafetensorsFile> files;
  private final Map<String, SafetensorsFile> fileOfTensor;

  private ShardedSafetensors(
      Map<String, SafetensorsFile> files, Map<String, SafetensorsFile> fileOfTensor) {
    this.files = files;
    this.fileOfTensor = fileOfTensor;
  }

  /**
   * Opens the folder's weights; the single file wins when both forms are there.
   *
   * @throws NoSuchFileException when the folder has neither form
   * @throws SafetensorsException when the index or a shard is damaged, or they disagree
   */
  public static ShardedSafetensors open(Path folder) throws IOException {
    Path single = folder.resolve(SINGLE);
    if (Files.exists(single)) {
      SafetensorsFile file = SafetensorsFile.open(single);
      Map<String, SafetensorsFile> tensors = new LinkedHashMap<>();
      file.names().forEach(name -> tensors.put(name, file));
      return new ShardedSafetensors(Map.of(SINGLE, file), tensors);
    }
    Path index = folder.resolve(INDEX);
    if (!Files.exists(index)) {
      throw new NoSuchFileException(
          folder.toString(), null, "holds neither " + SINGLE + " nor " + INDEX);
    }
    Map<String, SafetensorsFile> files = new TreeMap<>();
    ShardedSafetensors shards = new ShardedSafetensors(files, new LinkedHashMap<>());
    try {
      shards.openShards(folder, index);
      return shards;
    } catch (IOException | RuntimeException e) {
      shards.close();
      throw e;
    }
  }

  private void openShards(Path folder, Path index) throws IOException {
    for (Map.Entry<String, JsonNode> entry : weightMap(index).properties()) {
      String tensor = entry.getKey();
      String shard = entry.getValue().asText("");
      if (!SHARD.matcher(shard).matches()) {
        throw new SafetensorsException(
            index,
            "weight_map['%s'] is '%s'; expected a file name of letters, digits and ._- that ends in .safetensors"
                .formatted(tensor, shard));
      }
      SafetensorsFile file = files.get(shard);
      if (file == null) {
        Path path = folder.resolve(shard);
        if (!Files.isRegularFile(path)) {
          throw new SafetensorsException(index, "lists shard '" + shard + "', which is not there");
        }
        file = SafetensorsFile.open(path);
        files.put(shard, file);
      }
      if (!file.contains(tensor)) {
        throw new SafetensorsException(
            index, "places tensor '%s' in '%s', which lacks it".formatted(tensor, shard));
      }
      fileOfTensor.put(tensor, file);
    }
  }

  private static JsonNode weightMap(Path index) throws IOException {
    if (Files.size(index) > MAX_INDEX_BYTES) {
      throw new SafetensorsException(index, "is over " + MAX_INDEX_BYTES + " bytes");
    }
    byte[] bytes = Files.readAllBytes(index);
    JsonNode root;
    try {
      root = JSON.readTree(bytes);
    } catch (JsonProcessingException e) {
      throw new SafetensorsException(index, "is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new SafetensorsException(index, "is not UTF-8 text: " + e.getMessage(), e);
    }
    JsonNode map = root.path("weight_map");
    if (!map.isObject()) {
      throw new SafetensorsException(index, "has no object 'weight_map'");
    }
    return map;
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(fileOfTensor.keySet());
  }

  @Override
  public Map<String, String> metadata() {
    Map<String, String> all = new LinkedHashMap<>();
    files.values().forEach(file -> all.putAll(file.metadata()));
    return Collections.unmodifiableMap(all);
  }

  @Override
  public long[] shape(String name) {
    return file(name).shape(name);
  }

  @Override
  public ElementType type(String name) {
    return file(name).type(name);
  }

  @Override
  public HostTensor read(String name) throws IOException {
    return file(name).read(name);
  }

  /** A tensor that lies in a shard to which the index does not send is not shown. */
  @Override
  public String readAll(TensorVisitor visitor) throws IOException {
    Sha256 hash = new Sha256();
    for (SafetensorsFile file : files.values()) {
      file.readAll(
          (name, tensor) -> {
            if (file.equals(fileOfTensor.get(name))) {
              visitor.visit(name, tensor);
            }
          },
          hash);
    }
    return hash.hex();
  }

  private SafetensorsFile file(String name) {
    SafetensorsFile file = fileOfTensor.get(name);
    if (file == null) {
      throw new IllegalArgumentException("no tensor '" + name + "' in " + files.keySet());
    }
    return file;
  }

  @Override
  public void close() throws IOException {
    for (SafetensorsFile file : files.values()) {
      file.close();
    }
  }
}
