package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
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

/**
 * Loads a Hugging Face GPT-2 folder: {@code config.json} and {@code model.safetensors} or its
 * shards. Names may begin with {@code transformer.}; buffers that hold the causal mask are passed
 * over. F32 weights are used where they lie in the mapped file; F16 and BF16 are widened.
 */
public final class ModelLoader {
  private static final String PREFIX = "transformer.";
  private static final String HEAD = "lm_head.weight";

  private final GptConfig config;
  private final TensorSource source;
  private final NDManager manager;
  private final String prefix;

  private ModelLoader(GptConfig config, TensorSource source, NDManager manager) {
    this.config = config;
    this.source = source;
    this.manager = manager;
    this.prefix = source.contains(PREFIX + "wte.weight") ? PREFIX : "";
  }

  /**
   * Loads a folder.
   *
   * @throws NoSuchFileException when config or weights are not there
   * @throws ConfigException when the config is not one of the family
   * @throws dev.loupe.tensor.SafetensorsException when a file is damaged
   * @throws ModelLoadException when a tensor is missing or misshapen, naming it
   */
  public static LoadedModel load(Path folder) throws IOException {
    Path configFile = folder.resolve("config.json");
    if (!Files.isRegularFile(configFile)) {
      throw new NoSuchFileException(folder.toString(), null, "has no config.json");
    }
    GptConfig config = GptConfigReader.read(configFile);
    NDManager manager = TensorEngine.newManager();
    try (TensorSource source = ShardedSafetensors.open(folder)) {
      ModelWeights weights = new ModelLoader(config, source, manager).weights();
      manager.cap();
      return new LoadedModel(
          new HookedTransformer(config, weights, new NdTransformerOps()), manager);
    } catch (IOException | RuntimeException e) {
      manager.close();
      throw e;
    }
  }

  private ModelWeights weights() throws IOException {
    int d = config.dModel();
    NDArray tokens = read(prefix + "wte.weight", config.vocabularySize(), d);
    NDArray positions = read(prefix + "wpe.weight", config.contextLength(), d);
    List<BlockWeights> blocks = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = prefix + "h." + layer + ".";
      blocks.add(
          new BlockWeights(
              norm(block + "ln_1"),
              linear(block + "attn.c_attn", d, 3 * d),
              linear(block + "attn.c_proj", d, d),
              norm(block + "ln_2"),
              linear(block + "mlp.c_fc", d, config.dMlp()),
              linear(block + "mlp.c_proj", config.dMlp(), d)));
    }
    NDArray unembedding = config.tiedEmbeddings() ? tokens : read(HEAD, config.vocabularySize(), d);
    return new ModelWeights(tokens, positions, blocks, norm(prefix + "ln_f"), unembedding);
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
    HostTensor tensor = source.read(name);
    if (!tensor.type().isFloating()) {
      throw new ModelLoadException(
          "tensor '%s' holds %s; expected F32, F16, BF16 or F64".formatted(name, tensor.type()));
    }
    return NdArrays.of(manager, tensor.toF32());
  }
}
