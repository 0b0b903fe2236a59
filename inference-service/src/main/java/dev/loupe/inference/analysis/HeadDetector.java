package dev.loupe.inference.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.NdArrays;
import java.util.List;
import java.util.function.ToDoubleBiFunction;

/** Scores every attention head for what it looks at; scores are [layer][head]. */
public final class HeadDetector {
  private final HookedTransformer model;

  /** A detector on a model. */
  public HeadDetector(HookedTransformer model) {
    this.model = model;
  }

  /** How well each head fits a pattern, as the mean over rows of tokens. */
  public double[][] score(
      NDManager parent,
      List<int[]> rows,
      HeadPattern pattern,
      HeadScoring scoring,
      PassControl control) {
    return meanOverRows(
        parent, rows, (attention, tokens) -> scoring.score(attention, tokens, pattern), control);
  }

  /**
   * The mean attention, on random tokens that are repeated once, from each token of the second half
   * to the token after its earlier copy (Olsson et al. 2022).
   */
  public double[][] inductionScore(
      NDManager parent, RepeatedRandomTokens source, PassControl control) {
    int offset = source.length() - 1;
    int first = source.secondHalf();
    return meanOverRows(
        parent,
        source.rows(model.config()),
        (attention, tokens) -> meanDiagonal(attention, tokens.length, offset, first),
        control);
  }

  /** Mean of attention[query, query - offset] over queries from a first one on. */
  private static double meanDiagonal(float[] attention, int length, int offset, int first) {
    double sum = 0;
    for (int query = first; query < length; query++) {
      sum += attention[query * length + query - offset];
    }
    return sum / (length - first);
  }

  private double[][] meanOverRows(
      NDManager parent,
      List<int[]> rows,
      ToDoubleBiFunction<float[], int[]> score,
      PassControl control) {
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("no rows to score on; expected at least one");
    }
    GptConfig config = model.config();
    double[][] scores = new double[config.layers()][config.heads()];
    HookProgram.Builder program = HookProgram.builder(config);
    for (int layer = 0; layer < config.layers(); layer++) {
      program.capture(HookPoint.of(HookKind.PATTERN, layer));
    }
    ForwardOptions options =
        ForwardOptions.plain().with(program.build()).with(LogitsMode.NONE).with(control);
    for (int[] tokens : rows) {
      try (NDManager scope = parent.newSubManager()) {
        ForwardResult pass = model.forward(scope, TokenBatch.of(tokens), options);
        for (int layer = 0; layer < config.layers(); layer++) {
          NDArray pattern = pass.capture(HookPoint.of(HookKind.PATTERN, layer));
          for (int head = 0; head < config.heads(); head++) {
            float[] attention = NdArrays.floats(pattern.get(new NDIndex("0, {}", head)));
            scores[layer][head] += score.applyAsDouble(attention, tokens) / rows.size();
          }
        }
      }
    }
    return scores;
  }
}
