package dev.loupe.inference.sweeps;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.ComputeType;
import dev.loupe.inference.model.FusedTransformerOps;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LayerNormWeights;
import dev.loupe.inference.model.LinearWeights;
import dev.loupe.inference.model.ModelWeights;
import dev.loupe.inference.model.NdTransformerOps;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Models of random weights, of any shape, for tests. */
final class RandomModel {
  private final NDManager manager;
  private final Random random;

  private RandomModel(NDManager manager, long seed) {
    this.manager = manager;
    this.random = new Random(seed);
  }

  /** A model whose weights belong to a manager. */
  static HookedTransformer of(NDManager manager, GptConfig config, long seed) {
    return new HookedTransformer(
        config, new RandomModel(manager, seed).weights(config), new NdTransformerOps());
  }

  /** The same on the operations that models are served with; they are the caller's to close. */
  static HookedTransformer fused(NDManager manager, GptConfig config, long seed) {
    ModelWeights weights = new RandomModel(manager, seed).weights(config);
    return new HookedTransformer(config, weights, FusedTransformerOps.of(weights, ComputeType.F32));
  }

  private ModelWeights weights(GptConfig config) {
    int d = config.dModel();
    NDArray tokens = normal(1, config.vocabularySize(), d);
    List<BlockWeights> blocks = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      blocks.add(
          new BlockWeights(
              norm(d),
              linear(d, 3 * d),
              linear(d, d),
              norm(d),
              linear(d, config.dMlp()),
              linear(config.dMlp(), d)));
    }
    NDArray unembedding = config.tiedEmbeddings() ? tokens : normal(1, config.vocabularySize(), d);
    return new ModelWeights(
        tokens, normal(1, config.contextLength(), d), blocks, norm(d), unembedding);
  }

  private LayerNormWeights norm(int d) {
    return new LayerNormWeights(normal(1, d), normal(1, d));
  }

  private LinearWeights linear(int in, int out) {
    return new LinearWeights(normal(0.4, in, out).transpose(), normal(0.4, out));
  }

  private NDArray normal(double deviation, long... shape) {
    Shape size = new Shape(shape);
    float[] values = new float[(int) size.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return manager.create(values, size);
  }
}
