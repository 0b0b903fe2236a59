package dev.loupe.inference.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.NdArrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Scores attention heads for what they look at. */
public final class HeadDetector {
  private final HookedTransformer model;

  /** A detector on a model. */
  public HeadDetector(HookedTransformer model) {
    this.model = model;
  }

  /**
   * How well heads do on one row; the pass ends with the last layer asked for.
   *
   * @param heads each within the model
   * @return one score for each head, in their order
   * @throws InvalidMaskException when the scorer cannot rate such a row
   */
  public double[] score(
      NDManager parent, int[] tokens, HeadScorer scorer, List<Head> heads, PassControl control) {
    HookProgram.Builder program = HookProgram.builder(model.config());
    heads.stream().map(Head::layer).distinct().forEach(layer -> program.capture(pattern(layer)));
    ForwardOptions options =
        ForwardOptions.plain().with(program.build()).with(LogitsMode.NONE).with(control);
    ToDoubleFunction<float[]> rating = scorer.on(tokens);
    try (NDManager scope = parent.newSubManager()) {
      ForwardResult pass = model.forward(scope, TokenBatch.of(tokens), options);
      double[] scores = new double[heads.size()];
      for (int i = 0; i < scores.length; i++) {
        Head head = heads.get(i);
        try (NDArray attention =
            pass.capture(pattern(head.layer())).get(new NDIndex("0, {}", head.index()))) {
          scores[i] = rating.applyAsDouble(NdArrays.floats(attention));
        }
      }
      return scores;
    }
  }

  /** Where a layer's attention is read, [batch, head, query, key]. */
  public static HookPoint pattern(int layer) {
    return HookPoint.of(HookKind.PATTERN, layer);
  }
}
