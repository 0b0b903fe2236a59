package dev.loupe.inference.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The logit lens (nostalgebraist 2020): the residual stream after the embedding and after every
 * block, put through ln_final, with the statistics of the stream itself, and the unembedding.
 */
public final class LogitLens {
  private final HookedTransformer model;

  /** A lens on a model. */
  public LogitLens(HookedTransformer model) {
    this.model = model;
  }

  /**
   * Looks at a row of tokens.
   *
   * @param positions where to look; negative ones count from the end; empty for everywhere
   * @param topK likeliest tokens to give at each place
   * @param tracked tokens to give at each place, likely or not
   * @return layers + 1 readings, the last of which is the model's own answer
   * @throws IllegalArgumentException when a position or a tracked token is not there
   */
  public List<LensLayer> read(
      NDManager parent,
      int[] tokens,
      List<Integer> positions,
      int topK,
      List<Integer> tracked,
      PassControl control) {
    List<Integer> columns = columns(tokens.length, positions);
    for (int token : tracked) {
      if (token < 0 || token >= model.config().vocabularySize()) {
        throw new IllegalArgumentException(
            "tracked_tokens holds %d; expected 0 to %d"
                .formatted(token, model.config().vocabularySize() - 1));
      }
    }
    List<HookPoint> depths = depths();
    HookProgram.Builder program = HookProgram.builder(model.config());
    depths.forEach(program::capture);
    try (NDManager scope = parent.newSubManager()) {
      ForwardOptions options =
          ForwardOptions.plain().with(program.build()).with(LogitsMode.NONE).with(control);
      ForwardResult result = model.forward(scope, TokenBatch.of(tokens), options);
      List<LensLayer> layers = new ArrayList<>();
      for (HookPoint depth : depths) {
        control.beforeLayer(depth.layer());
        layers.add(new LensLayer(depth, look(result.capture(depth), columns, topK, tracked)));
      }
      return layers;
    }
  }

  private List<HookPoint> depths() {
    List<HookPoint> depths = new ArrayList<>();
    depths.add(HookPoint.of(HookKind.RESID_PRE, 0));
    for (int layer = 0; layer < model.config().layers(); layer++) {
      depths.add(HookPoint.of(HookKind.RESID_POST, layer));
    }
    return depths;
  }

  private List<LensLayer.Position> look(
      NDArray resid, List<Integer> columns, int topK, List<Integer> tracked) {
    long width = model.config().dModel();
    try (NDManager scope = resid.getManager().newSubManager()) {
      long[] ids = columns.stream().mapToLong(Integer::longValue).toArray();
      NDArray index = scope.create(ids, new Shape(ids.length));
      NDArray chosen = model.ops().embed(index, resid.reshape(-1, width)); // [columns, d_model]
      NDArray normed =
          model
              .ops()
              .layerNorm(chosen, model.weights().lnFinal(), model.config().layerNormEpsilon());
      float[] logits = NdArrays.floats(model.unembed(normed));
      int vocabulary = model.config().vocabularySize();
      List<LensLayer.Position> readings = new ArrayList<>();
      for (int i = 0; i < ids.length; i++) {
        LogitRow row =
            new LogitRow(Arrays.copyOfRange(logits, i * vocabulary, (i + 1) * vocabulary));
        readings.add(
            new LensLayer.Position(
                columns.get(i), row.top(topK), tracked.stream().map(row::score).toList()));
      }
      return readings;
    }
  }

  private static List<Integer> columns(int length, List<Integer> positions) {
    List<Integer> columns = new ArrayList<>();
    if (positions.isEmpty()) {
      for (int i = 0; i < length; i++) {
        columns.add(i);
      }
    }
    for (int position : positions) {
      columns.add(Positions.absolute(position, length));
    }
    return columns;
  }
}
