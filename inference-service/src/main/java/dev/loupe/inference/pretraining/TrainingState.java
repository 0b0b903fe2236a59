package dev.loupe.inference.pretraining;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LayerNormWeights;
import dev.loupe.inference.model.LinearWeights;
import dev.loupe.inference.model.ModelWeights;
import dev.loupe.tensor.NdArrays;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** The weights and AdamW's moments, each as one flat array that is updated in place. */
final class TrainingState {
  private static final double INIT_STD = 0.02;
  private static final double POSITION_STD = 0.05;

  private final GptConfig config;
  private final ParameterLayout layout;
  private final NDArray weights;
  private final NDArray decayedWeights;
  private final NDArray mean;
  private final NDArray square;

  TrainingState(
      NDManager manager,
      GptConfig config,
      ParameterLayout layout,
      float[] weights,
      float[] mean,
      float[] square) {
    this.config = config;
    this.layout = layout;
    this.weights = NdArrays.of(manager, weights);
    this.decayedWeights = this.weights.get(new NDIndex("0:{}", layout.decayed()));
    this.mean = NdArrays.of(manager, mean);
    this.square = NdArrays.of(manager, square);
  }

  /** GPT-2's initial weights: N(0, 0.02), residual projections over sqrt(2 layers). */
  static float[] initialWeights(GptConfig config, ParameterLayout layout, long seed) {
    float[] values = new float[layout.size()];
    Random random = new Random(seed);
    double residualStd = INIT_STD / Math.sqrt(2.0 * config.layers());
    for (ParameterLayout.Slot slot : layout.slots()) {
      for (int i = 0; i < slot.size(); i++) {
        values[slot.offset() + i] =
            switch (slot.init()) {
              case NORMAL -> (float) (random.nextGaussian() * INIT_STD);
              case RESIDUAL -> (float) (random.nextGaussian() * residualStd);
              case POSITION -> (float) wave(config, i / config.dModel(), i % config.dModel());
              case ONE -> 1;
              case ZERO -> 0;
            };
      }
    }
    return values;
  }

  /**
   * Positions start as the waves of Vaswani et al. (2017), as strong as the tokens' embeddings,
   * with lengths from 2 pi to four contexts. They are trained like all else, but a head that looks
   * one token back, which copying needs, is then found many times sooner than from noise.
   */
  private static double wave(GptConfig config, int position, int column) {
    int pairs = Math.max(1, config.dModel() / 2 - 1);
    double slowest = 2 * Math.PI / (4.0 * config.contextLength());
    double frequency = Math.pow(slowest, (double) (column / 2) / pairs);
    double phase = position * frequency;
    return POSITION_STD * Math.sqrt(2) * (column % 2 == 0 ? Math.sin(phase) : Math.cos(phase));
  }

  /** Views of the weights, by name, that autograd treats as leaves; they belong to the scope. */
  Map<String, NDArray> leaves(NDManager scope, boolean withGradient) {
    Map<String, NDArray> leaves = new LinkedHashMap<>();
    for (ParameterLayout.Slot slot : layout.slots()) {
      NDIndex range = new NDIndex("{}:{}", slot.offset(), slot.offset() + slot.size());
      NDArray view = weights.get(scope, range).reshape(new Shape(slot.shape())).stopGradient();
      if (withGradient) {
        view.setRequiresGradient(true);
      }
      leaves.put(slot.name(), view);
    }
    return leaves;
  }

  /** The model over such views. */
  ModelWeights model(Map<String, NDArray> leaves) {
    List<BlockWeights> blocks = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = "h." + layer + ".";
      blocks.add(
          new BlockWeights(
              norm(leaves, block + "ln_1"),
              linear(leaves, block + "attn.c_attn"),
              linear(leaves, block + "attn.c_proj"),
              norm(leaves, block + "ln_2"),
              linear(leaves, block + "mlp.c_fc"),
              linear(leaves, block + "mlp.c_proj")));
    }
    NDArray tokens = leaves.get("wte.weight");
    return new ModelWeights(
        tokens,
        leaves.get("wpe.weight"),
        blocks,
        norm(leaves, "ln_f"),
        config.tiedEmbeddings() ? tokens : leaves.get("lm_head.weight"));
  }

  private static LinearWeights linear(Map<String, NDArray> leaves, String name) {
    return new LinearWeights(leaves.get(name + ".weight"), leaves.get(name + ".bias"));
  }

  private static LayerNormWeights norm(Map<String, NDArray> leaves, String name) {
    return new LayerNormWeights(leaves.get(name + ".weight"), leaves.get(name + ".bias"));
  }

  /** The leaves' gradients as one flat array in the scope. */
  NDArray gradient(NDManager scope, Map<String, NDArray> leaves) {
    NDList parts = new NDList();
    for (NDArray leaf : leaves.values()) {
      NDArray gradient = leaf.getGradient();
      gradient.attach(scope);
      parts.add(gradient.reshape(-1));
    }
    return ai.djl.ndarray.NDArrays.concat(parts);
  }

  /**
   * One AdamW step (Loshchilov and Hutter 2019, algorithm 2).
   *
   * @param gradient flat; overwritten
   * @param step from 1
   * @return the gradient's norm before clipping
   */
  float update(NDArray gradient, int step, double rate, PretrainOptions options) {
    float norm = (float) Math.sqrt(gradient.mul(gradient).sum().getFloat());
    if (!Float.isFinite(norm)) {
      throw new IllegalStateException(
          "the gradient is not finite at step " + step + "; try a lower learning rate");
    }
    if (norm > options.gradientClip()) {
      gradient.muli((float) (options.gradientClip() / norm));
    }
    mean.muli((float) options.beta1()).addi(gradient.mul((float) (1 - options.beta1())));
    NDArray squared = gradient.mul(gradient).muli((float) (1 - options.beta2()));
    square.muli((float) options.beta2()).addi(squared);
    double meanCorrection = 1 - Math.pow(options.beta1(), step);
    double squareCorrection = 1 - Math.pow(options.beta2(), step);
    try (NDManager scope = weights.getManager().newSubManager()) {
      NDArray root = square.sqrt();
      root.attach(scope);
      root.muli((float) (1 / Math.sqrt(squareCorrection))).addi((float) options.epsilon());
      NDArray change = mean.div(root);
      change.attach(scope);
      decayedWeights.muli((float) (1 - rate * options.weightDecay()));
      weights.subi(change.muli((float) (rate / meanCorrection)));
    }
    return norm;
  }

  float[] weightValues() {
    return weights.toFloatArray();
  }

  float[] meanValues() {
    return mean.toFloatArray();
  }

  float[] squareValues() {
    return square.toFloatArray();
  }
}
