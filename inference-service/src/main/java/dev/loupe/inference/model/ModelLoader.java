package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.ShardedSafetensors;
import dev.loupe.tensor.TensorEngine;
import dev.loupe.tensor.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Loads a Hugging Face GPT-2 folder: {@code config.json} and {@code model.safetensors} or its
 * shards. Names may begin with {@code transformer.}; buffers that hold the causal mask, and heads
 * for other tasks, are passed over. On the CPU, F32 weights are used where they lie in the mapped
 * file; F16, BF16 and F64 weights, weights that lie at an unaligned place, and all weights that are
 * to be changed are read piece by piece into memory of their own. Either way a model takes its
 * weights' size in float32, once.
 */
public final class ModelLoader {
  private final GptConfig config;
  private final TensorSource source;
  private final NDManager manager;
  private final Optional<WeightTransform> transform;
  private final LoadListener listener;
  private final TensorNames names;
  private final long totalBytes;
  private long doneBytes;

  private ModelLoader(
      GptConfig config,
      TensorSource source,
      NDManager manager,
      Optional<WeightTransform> transform,
      LoadListener listener) {
    this.config = config;
    this.source = source;
    this.manager = manager;
    this.transform = transform;
    this.listener = listener;
    this.names = TensorNames.of(source);
    this.totalBytes = weightBytes(config, transform.isPresent(), ComputeType.F32);
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
          "reorder_and_upcast_attn is true, which asks for attention in float32, but the compute type is "
              + type
              + "; expected F32");
    }
    NDManager manager = TensorEngine.newManager();
    try (TensorSource source = ShardedSafetensors.open(folder)) {
      ModelWeights weights =
          new ModelLoader(config, source, manager, transform, listener).weights();
      manager.cap();
      return new LoadedModel(
          new HookedTransformer(config, weights, FusedTransformerOps.of(weights, type)), manager);
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

  private ModelWeights weights() throws IOException {
    names.requireNoOthers(source, config);
    int d = config.dModel();
    String tokenName = names.of("wte.weight");
    NDArray tokens = read(tokenName, config.vocabularySize(), d);
    NDArray positions = read(names.of("wpe.weight"), config.contextLength(), d);
    List<BlockWeights> blocks = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      BlockWeights block = block(names.block(layer));
      transform.ifPresent(change -> change.block(block));
      blocks.add(block);
    }
    if (config.tiedEmbeddings()) {
      requireTied(tokenName);
    }
    boolean shared = config.tiedEmbeddings() && transform.isEmpty();
    String headName = config.tiedEmbeddings() ? tokenName : TensorNames.HEAD;
    ModelWeights weights =
        new ModelWeights(
            tokens,
            positions,
            blocks,
            norm(names.of("ln_f")),
            shared ? tokens : read(headName, config.vocabularySize(), d),
            transform.isEmpty() ? null : manager.zeros(new Shape(config.vocabularySize())));
    transform.ifPresent(change -> change.ends(weights));
    return weights;
  }

  private BlockWeights block(String block) throws IOException {
    int d = config.dModel();
    return new BlockWeights(
        norm(block + "ln_1"),
        linear(block + "attn.c_attn", d, 3 * d),
        linear(block + "attn.c_proj", d, d),
        norm(block + "ln_2"),
        linear(block + "mlp.c_fc", d, config.dMlp()),
        linear(block + "mlp.c_proj", config.dMlp(), d));
  }

  private void requireTied(String tokenName) throws IOException {
    if (source.contains(TensorNames.HEAD) && !source.sameBytes(TensorNames.HEAD, tokenName)) {
      throw new ModelLoadException(
          "tie_word_embeddings is true, but tensor '%s' is not '%s'; expected the same values, none, or tie_word_embeddings false"
              .formatted(TensorNames.HEAD, tokenName));
    }
  }

  private LayerNormWeights norm(String name) throws IOException {
    return new LayerNormWeights(
        read(name + ".weight", config.dModel()), read(name + ".bias", config.dModel()));
  }

  /** A Conv1D of the file, [in, out], as a view [out, in]. */
  private LinearWeights linear(String name, int in, int out) throws IOException {
    return new LinearWeights(
        read(name + ".weight", in, out).transpose(), read(name + ".bias", out));
  }

  private NDArray read(String name, long... shape) throws IOException {
    requireShape(name, shape);
    if (!source.type(name).isFloating()) {
      throw new ModelLoadException(
          "tensor '%s' holds %s; expected F32, F16, BF16 or F64"
              .formatted(name, source.type(name)));
    }
    if (HostTensor.elements(shape) > Integer.MAX_VALUE / Float.BYTES) {
      throw new ModelLoadException(
          "tensor '%s' has shape %s; expected at most 2 GiB in float32"
              .formatted(name, Arrays.toString(shape)));
    }
    NDArray array = mapped(name).orElse(null);
    if (array == null) {
      array = NdArrays.filled(manager, new Shape(shape), memory -> source.readFloats(name, memory));
    }
    doneBytes += Float.BYTES * HostTensor.elements(shape);
    listener.onBytes(doneBytes, totalBytes);
    return array;
  }

  private Optional<NDArray> mapped(String name) throws IOException {
    if (transform.isPresent() || source.type(name) != ElementType.F32) {
      return Optional.empty();
    }
    HostTensor tensor = source.read(name);
    return NdArrays.isDirectAndAligned(tensor)
        ? Optional.of(NdArrays.of(manager, tensor))
        : Optional.empty();
  }

  private void requireShape(String name, long... shape) throws IOException {
    if (!source.contains(name)) {
      throw new ModelLoadException(
          "the weights have no tensor '%s'; expected shape %s"
              .formatted(name, Arrays.toString(shape)));
    }
    long[] found = source.shape(name);
    if (!Arrays.equals(found, shape)) {
      throw new ModelLoadException(
          "tensor '%s' has shape %s; the config expects %s"
              .formatted(name, Arrays.toString(found), Arrays.toString(shape)));
    }
  }
}
