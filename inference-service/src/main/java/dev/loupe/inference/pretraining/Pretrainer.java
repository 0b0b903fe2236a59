package dev.loupe.inference.pretraining;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.ModelWeights;
import dev.loupe.inference.model.NdTransformerOps;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.TensorEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/**
 * Trains a GPT-2 model from nothing to predict the next token: autograd over {@link
 * HookedTransformer}'s own pass, AdamW, warm-up and cosine decay. The same seed, options and rows
 * give the same weights on the same machine with the same thread count. One trainer at a time
 * collects gradients in a process. Not thread-safe.
 */
public final class Pretrainer implements AutoCloseable {
  private final GptConfig config;
  private final PretrainOptions options;
  private final ParameterLayout layout;
  private final NDManager manager;
  private final NdTransformerOps ops = new NdTransformerOps();
  private TrainingState state;
  private int step;

  /** A model with fresh, seeded weights. */
  public Pretrainer(GptConfig config, PretrainOptions options) {
    this.config = config;
    this.options = options;
    this.layout = new ParameterLayout(config);
    this.manager = TensorEngine.newManager();
    float[] initial = TrainingState.initialWeights(config, layout, options.seed());
    this.state =
        new TrainingState(
            manager, config, layout, initial, new float[layout.size()], new float[layout.size()]);
  }

  /** Steps done so far. */
  public int step() {
    return step;
  }

  /** Trains to the last step. */
  public void train(BatchSource source, Consumer<StepReport> listener) {
    while (step < options.steps()) {
      listener.accept(step(source.batch(step)));
    }
  }

  /**
   * One optimiser step.
   *
   * @throws IllegalStateException when the gradient is not finite; the weights are then unchanged
   */
  public StepReport step(TrainingBatch batch) {
    long start = System.nanoTime();
    double rate = options.learningRateAt(step);
    try (NDManager scope = manager.newSubManager()) {
      Map<String, NDArray> leaves = state.leaves(scope, true);
      float loss;
      try (GradientCollector collector = engine().newGradientCollector()) {
        NDArray mean = loss(scope, leaves, batch);
        collector.backward(mean);
        loss = mean.getFloat();
      }
      NDArray gradient = state.gradient(scope, leaves);
      float norm = state.update(gradient, step + 1, rate, options);
      step++;
      int tokens = batch.rows().length * batch.width();
      double seconds = (System.nanoTime() - start) / 1e9;
      return new StepReport(step, options.steps(), loss, norm, rate, tokens, seconds);
    }
  }

  /** The mean cross-entropy of the targets under the weights as they are, in nats. */
  public float evaluate(TrainingBatch batch) {
    try (NDManager scope = manager.newSubManager()) {
      return loss(scope, state.leaves(scope, false), batch).getFloat();
    }
  }

  /**
   * Looks at the model as it is now.
   *
   * @param look gets the model and a manager for what it computes; both end when it returns
   */
  public <T> T withModel(BiFunction<HookedTransformer, NDManager, T> look) {
    try (NDManager scope = manager.newSubManager()) {
      ModelWeights weights = state.model(state.leaves(scope, false));
      return look.apply(new HookedTransformer(config, weights, ops), scope);
    }
  }

  private NDArray loss(NDManager scope, Map<String, NDArray> leaves, TrainingBatch batch) {
    int width = batch.width();
    int[][] rows = batch.rows();
    List<int[]> inputs = new ArrayList<>(rows.length);
    long[] expected = new long[rows.length * width];
    float[] share = new float[rows.length * width];
    int counted = 0;
    for (int r = 0; r < rows.length; r++) {
      inputs.add(Arrays.copyOf(rows[r], width));
      for (int i = 0; i < width; i++) {
        expected[r * width + i] = rows[r][i + 1];
        if (batch.targets()[r][i + 1]) {
          share[r * width + i] = 1;
          counted++;
        }
      }
    }
    HookedTransformer model = new HookedTransformer(config, state.model(leaves), ops);
    NDArray logits =
        model.forward(scope, TokenBatch.of(inputs), ForwardOptions.plain()).requireLogits();
    Shape column = new Shape(expected.length, 1);
    return logits
        .reshape(expected.length, config.vocabularySize())
        .logSoftmax(1)
        .gather(scope.create(expected, column), 1)
        .mul(NdArrays.of(scope, share, column))
        .sum()
        .div(-Math.max(1, counted));
  }

  private Engine engine() {
    return Engine.getEngine(manager.getEngine().getEngineName());
  }

  /** Writes weights, moments and the step to one file, atomically. */
  public void saveCheckpoint(Path file) throws IOException {
    TrainingCheckpoint.save(
        file,
        new TrainingCheckpoint(
            step, config.toJson(), state.weightValues(), state.meanValues(), state.squareValues()));
  }

  /**
   * Goes on from a checkpoint as if never interrupted.
   *
   * @throws IOException when the file is damaged, or was written for another model shape
   */
  public void restoreCheckpoint(Path file) throws IOException {
    TrainingCheckpoint checkpoint = TrainingCheckpoint.load(file, config.toJson(), layout.size());
    state =
        new TrainingState(
            manager, config, layout, checkpoint.weights(), checkpoint.mean(), checkpoint.square());
    step = checkpoint.step();
  }

  /**
   * Writes the model as a Hugging Face folder: {@code config.json} and {@code model.safetensors}.
   */
  public void saveModel(Path folder) throws IOException {
    ModelFolderWriter.write(folder, config, layout, state.weightValues());
  }

  @Override
  public void close() {
    manager.close();
  }
}
