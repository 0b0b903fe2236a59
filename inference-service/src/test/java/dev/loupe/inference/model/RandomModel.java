package dev.loupe.inference.model;

import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A model of any shape with random weights, loaded, and its weights in double beside it. */
public final class RandomModel implements AutoCloseable {
  private final Map<String, double[]> weights = new HashMap<>();
  private final LoadedModel loaded;

  /** Writes a model below a folder, and loads it. */
  public RandomModel(Path folder, GptConfig config, long seed) throws IOException {
    Random random = new Random(seed);
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    shapes(config)
        .forEach(
            (name, shape) -> {
              float[] values = new float[(int) HostTensor.elements(shape)];
              double[] wide = new double[values.length];
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) (0.4 * random.nextGaussian());
                wide[i] = values[i];
              }
              tensors.put(name, HostTensor.ofFloats(values, shape));
              weights.put(name, wide);
            });
    SafetensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of());
    Files.writeString(folder.resolve("config.json"), config.toJson());
    loaded = ModelLoader.load(folder);
  }

  private static Map<String, long[]> shapes(GptConfig config) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    long d = config.dModel();
    shapes.put("wte.weight", new long[] {config.vocabularySize(), d});
    shapes.put("wpe.weight", new long[] {config.contextLength(), d});
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = "h." + layer + ".";
      for (String norm : List.of(block + "ln_1", block + "ln_2")) {
        shapes.put(norm + ".weight", new long[] {d});
        shapes.put(norm + ".bias", new long[] {d});
      }
      linear(shapes, block + "attn.c_attn", d, 3 * d);
      linear(shapes, block + "attn.c_proj", d, d);
      linear(shapes, block + "mlp.c_fc", d, config.dMlp());
      linear(shapes, block + "mlp.c_proj", config.dMlp(), d);
    }
    shapes.put("ln_f.weight", new long[] {d});
    shapes.put("ln_f.bias", new long[] {d});
    if (!config.tiedEmbeddings()) {
      shapes.put("lm_head.weight", new long[] {config.vocabularySize(), d});
    }
    return shapes;
  }

  private static void linear(Map<String, long[]> shapes, String name, long in, long out) {
    shapes.put(name + ".weight", new long[] {in, out});
    shapes.put(name + ".bias", new long[] {out});
  }

  /** A weight as stored, by its name in the file, row-major. */
  public double[] weight(String name) {
    return weights.get(name);
  }

  /** The same model, slow and obvious. */
  public SlowTransformer slow() {
    return new SlowTransformer(loaded.config(), weights);
  }

  /** The loaded model. */
  public LoadedModel loaded() {
    return loaded;
  }

  /** The model itself. */
  public HookedTransformer transformer() {
    return loaded.transformer();
  }

  @Override
  public void close() {
    loaded.close();
  }
}
