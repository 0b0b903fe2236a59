package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.tensor.ShardedSafetensors;
import dev.loupe.tensor.TensorEngine;
import dev.loupe.tensor.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Loads a Hugging Face GPT-2 folder: {@code config.json} and {@code model.safetensors} or its
 * shards. Names may begin with {@code transformer.}; buffers that hold the causal mask, and heads
 * for other tasks, are passed over. The files are read once, piece by piece, into memory of the
 * model's own, and hashed as they are read: what happens to them afterwards changes nothing, and a
 * model takes its weights' size in float32, once.
 */
public final class ModelLoader {
  private final GptConfig config;
  private final TensorNames names;
  private final WeightArrays arrays;
  private final Optional<WeightTransform> transform;

  private ModelLoader(
      GptConfig config,
      TensorNames names,
      WeightArrays arrays,
      Optional<WeightTransform> transform) {
    this.config = config;
    this.names = names;
    this.arrays = arrays;
    this.transform = transform;
  }

  /** Loads a folder as it is. */
  public static LoadedModel load(Path folder) throws IOException {
    return load(folder, Optional.empty(), ComputeType.F32, LoadListener.NONE);
  }

  /**
   * Loads a folder.
   *
   * @param transform changes the weights; empty leaves them as they are
   * @param type that products are computed in; {@link ComputeType#BF16} takes half as much memory
   *     again, for the copies that products read
   * @param listener told of each tensor
   * @throws NoSuchFileException when config or weights are not there
   * @throws ConfigException when the config is not one of the family, or excludes the type
   * @throws dev.loupe.tensor.SafetensorsException when a file is damaged
   * @throws ModelLoadException when a tensor is missing, misshapen or no part of the model, naming
   *     it
   */
  public static LoadedModel load(
      Path folder, Optional<WeightTransform> transform, ComputeType type, LoadListener listener)
      throws IOException {
    GptConfig config = config(folder);
    if (config.upcastAttention() && type != ComputeType.F32) {
      throw new ConfigException(
          "reorder_and_upcast_attn is true, which asks for attention in float32, but the compute"
              + " type is "
              + type
              + "; expected F32");
    }
    NDManager manager = TensorEngine.newManager();
    try (TensorSource source = ShardedSafetensors.open(folder)) {
      TensorNames names = TensorNames.of(config, source);
      long bytes = weightBytes(config, transform.isPresent(), ComputeType.F32);
      WeightArrays arrays = new WeightArrays(names, source, manager, listener, bytes);
      String sha256 = arrays.read();
      ModelWeights weights = new ModelLoader(config, names, arrays, transform).weights(manager);
      manager.cap();
      return new LoadedModel(
          new HookedTransformer(config, weights, FusedTransformerOps.of(weights, type)),
          manager,
          sha256);
    } catch (IOException | RuntimeException | Error e) {
      manager.close();
      throw e;
    }
  }

  /**
   * The shape of a folder's model, without its weights.
   *
   * @throws NoSuchFileException when the folder has no config
   * @throws ConfigException when the config is not one of the family
   */
  public static GptConfig config(Path folder) throws IOException {
    Path configFile = folder.resolve("config.json");
    if (!Files.isRegularFile(configFile)) {
      throw new NoSuchFileException(folder.toString(), null, "has no config.json");
    }
    return GptConfigReader.read(configFile);
  }

  /**
   * What a model's weights take in memory.
   *
   * @param transformed true when they are changed, so that the unembedding is never the embedding
   * @param type that the model computes in: a narrower one has copies of what products read
   */
  public static long weightBytes(GptConfig config, boolean transformed, ComputeType type) {
    long elements = config.parameters();
    if (transformed) {
      long unembedding = (long) config.vocabularySize() * config.dModel();
      elements += config.vocabularySize() + (config.tiedEmbeddings() ? unembedding : 0);
    }
    long copied = config.parameters() - (long) config.contextLength() * config.dModel();
    return Float.BYTES * elements + (type == ComputeType.BF16 ? Short.BYTES * copied : 0);
  }

  private ModelWeights weights(NDManager manager) {
    List<BlockWeights> blocks = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      blocks.add(block(names.block(layer)));
    }
    ModelWeights weights =
        new ModelWeights(
            array(names.of("wte.weight")),
            array(names.of("wpe.weight")),
            blocks,
            norm(names.of("ln_f")),
            array(TensorNames.HEAD),
            transform.isEmpty() ? null : manager.zeros(new Shape(config.vocabularySize())));
    transform.ifPresent(
        change -> {
          blocks.forEach(change::block);
          change.ends(weights);
        });
    return weights;
  }

  private BlockWeights block(String block) {
    return new BlockWeights(
        norm(block + "ln_1"),
        linear(block + "attn.c_attn"),
        linear(block + "attn.c_proj"),
        norm(block + "ln_2"),
        linear(block + "mlp.c_fc"),
        linear(block + "mlp.c_proj"));
  }

  private LayerNormWeights norm(String name) {
    return new LayerNormWeights(array(name + ".weight"), array(name + ".bias"));
  }

  /** A Conv1D of the file, [in, out], as a view [out, in]. */
  private LinearWeights linear(String name) {
    return new LinearWeights(array(name + ".weight").transpose(), array(name + ".bias"));
  }

  private NDArray array(String name) {
    return transform.isPresent() ? arrays.own(name) : arrays.get(name);
  }
}
