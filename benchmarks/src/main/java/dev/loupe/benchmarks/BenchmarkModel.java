package dev.loupe.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LoadedModel;
import dev.loupe.inference.model.ModelLoader;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.SafetensorsWriter;
import dev.loupe.tensor.TensorEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A model with random weights in a temporary folder of its own, which a server can load too:
 * config, weights, and a tokenizer whose tokens are the single bytes. Closing it deletes the
 * folder.
 */
public final class BenchmarkModel implements AutoCloseable {
  private static final double WEIGHT = 0.02;

  private final Path folder;
  private final LoadedModel loaded;

  private BenchmarkModel(Path folder, LoadedModel loaded) {
    this.folder = folder;
    this.loaded = loaded;
  }

  /** GPT-2 small's shape: 12 layers, 12 heads, 768 wide, 1024 positions, 50257 tokens. */
  public static BenchmarkModel gpt2Small() throws Exception {
    return of(GptConfig.gpt2(12, 12, 768, 1024, 50257, 50256));
  }

  /** Any shape. */
  public static BenchmarkModel of(GptConfig config) throws Exception {
    Path folder = Files.createTempDirectory("loupe-bench");
    try {
      Files.writeString(folder.resolve("config.json"), config.toJson());
      Files.writeString(folder.resolve("tokenizer.json"), tokenizer());
      Timing.onEngine(() -> writeWeights(folder, config)).run();
      return new BenchmarkModel(folder, ModelLoader.load(folder));
    } catch (Exception e) {
      delete(folder);
      throw e;
    }
  }

  /** Where the model lies. */
  public Path folder() {
    return folder;
  }

  /** The model, loaded as the service loads it. */
  public LoadedModel loaded() {
    return loaded;
  }

  /** The model's shape. */
  public GptConfig config() {
    return loaded.config();
  }

  /** Rows of random tokens, the same in every run. */
  public TokenBatch tokens(int rows, int width) {
    Random random = new Random(rows * 31L + width);
    int[][] ids = new int[rows][];
    for (int row = 0; row < rows; row++) {
      ids[row] = random.ints(width, 0, config().vocabularySize()).toArray();
    }
    return TokenBatch.of(ids);
  }

  private static void writeWeights(Path folder, GptConfig config) throws IOException {
    int d = config.dModel();
    try (NDManager manager = TensorEngine.newManager()) {
      Weights weights = new Weights(manager);
      weights.normal("wte.weight", config.vocabularySize(), d);
      weights.normal("wpe.weight", config.contextLength(), d);
      for (int layer = 0; layer < config.layers(); layer++) {
        String block = "h." + layer + ".";
        weights.norm(block + "ln_1", d);
        weights.linear(block + "attn.c_attn", d, 3 * d);
        weights.linear(block + "attn.c_proj", d, d);
        weights.norm(block + "ln_2", d);
        weights.linear(block + "mlp.c_fc", d, config.dMlp());
        weights.linear(block + "mlp.c_proj", config.dMlp(), d);
      }
      weights.norm("ln_f", d);
      SafetensorsWriter.write(folder.resolve("model.safetensors"), weights.tensors, Map.of());
    }
  }

  /** The tensors of a model as they are made. */
  private static final class Weights {
    private final NDManager manager;
    private final Map<String, HostTensor> tensors = new LinkedHashMap<>();

    Weights(NDManager manager) {
      this.manager = manager;
    }

    void normal(String name, long... shape) {
      add(name, manager.randomNormal(new Shape(shape)).muli(WEIGHT));
    }

    void linear(String name, long in, long out) {
      normal(name + ".weight", in, out);
      normal(name + ".bias", out);
    }

    void norm(String name, long width) {
      add(name + ".weight", manager.ones(new Shape(width)));
      add(name + ".bias", manager.zeros(new Shape(width)));
    }

    private void add(String name, NDArray array) {
      tensors.put(name, NdArrays.view(array));
    }
  }

  /** Byte-level BPE without a merge: a token for each byte. */
  private static String tokenizer() {
    ObjectNode root = new ObjectMapper().createObjectNode();
    ObjectNode model = root.putObject("model").put("type", "BPE");
    ObjectNode vocabulary = model.putObject("vocab");
    int unprintable = 0;
    for (int value = 0; value < 256; value++) {
      boolean printable =
          (value >= '!' && value <= '~')
              || (value >= 0xA1 && value <= 0xAC)
              || (value >= 0xAE && value <= 0xFF);
      vocabulary.put(Character.toString(printable ? value : 256 + unprintable++), value);
    }
    model.putArray("merges");
    root.putObject("pre_tokenizer").put("type", "ByteLevel").put("add_prefix_space", false);
    return root.toString();
  }

  @Override
  public void close() throws IOException {
    loaded.close();
    delete(folder);
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
