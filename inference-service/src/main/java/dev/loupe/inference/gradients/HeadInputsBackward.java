package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookKind;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Gradients at the residual stream as each head reads it ({@code hook_attn_in} and the inputs of
 * queries, keys and values), [b, p, h, d_model].
 */
final class HeadInputsBackward {
  static final List<HookKind> SPLIT = List.of(HookKind.Q_INPUT, HookKind.K_INPUT, HookKind.V_INPUT);
  private static final List<HookKind> PROJECTED = List.of(HookKind.Q, HookKind.K, HookKind.V);

  private final GptConfig config;
  private final BlockWeights weights;
  private final int layer;
  private final BackwardOps ops;
  private final GradientRun hooks;

  HeadInputsBackward(
      GptConfig config, BlockWeights weights, int layer, BackwardOps ops, GradientRun hooks) {
    this.config = config;
    this.weights = weights;
    this.layer = layer;
    this.ops = ops;
    this.hooks = hooks;
  }

  /** True when the heads did not all read the residual stream itself. */
  static boolean areEdited(GradientRun hooks, int layer) {
    return HeadInputs.KINDS.stream().anyMatch(kind -> hooks.isEdited(kind, layer));
  }

  /**
   * Gives the gradients of unedited inputs, which all heads read from the residual stream itself.
   *
   * @param byParts cotangents of queries, keys and values, [b, p, h, d_head] each
   * @param residPre the residual stream before the block
   */
  void show(NDArray[] byParts, NDArray residPre) {
    Set<HookKind> kinds = EnumSet.noneOf(HookKind.class);
    HeadInputs.KINDS.stream().filter(kind -> hooks.isUsed(kind, layer)).forEach(kinds::add);
    if (kinds.isEmpty()) {
      return;
    }
    List<NDArray> projected =
        PROJECTED.stream().anyMatch(kind -> hooks.isEdited(kind, layer))
            ? List.of()
            : PROJECTED.stream().map(kind -> hooks.kept(kind, layer)).toList();
    ops.headInputs(
            Arrays.asList(byParts), projected, kinds, residPre, weights, config.layerNormEpsilon())
        .forEach((kind, byInput) -> hooks.at(kind, layer, byInput));
  }

  /**
   * Goes back through projections and layer norms of edited inputs, head by head.
   *
   * @param byParts cotangents of queries, keys and values, [b, p, h, d_head] each
   * @return the cotangent of the residual stream by way of the heads, [b, p, d_model]
   */
  NDArray run(NDArray[] byParts) {
    NDArray byAttnIn = null;
    for (int part = SPLIT.size() - 1; part >= 0; part--) {
      NDArray input = hooks.kept(SPLIT.get(part), layer); // [b, p, h, d_model]
      NDArray byInput =
          hooks.at(
              SPLIT.get(part),
              layer,
              ops.layerNorm(
                  projectBack(byParts[part], weights, part),
                  input,
                  weights.ln1(),
                  config.layerNormEpsilon()));
      byAttnIn = byAttnIn == null ? byInput : byAttnIn.add(byInput);
    }
    return hooks.at(HookKind.ATTN_IN, layer, byAttnIn).sum(new int[] {2});
  }

  /** [b, p, h, d_head] to [b, p, h, d_model], each head by its own rows of the weight. */
  static NDArray projectBack(NDArray cotangent, BlockWeights weights, int part) {
    Shape shape = cotangent.getShape();
    long heads = shape.get(2);
    long dModel = heads * shape.get(3);
    NDArray byHead = cotangent.reshape(-1, heads, shape.get(3)).transpose(1, 0, 2);
    NDArray weight =
        inScope(cotangent, weights.qkv().weight())
            .reshape(3, heads, shape.get(3), dModel)
            .get(part); // [h, d_head, d_model]
    return byHead
        .matMul(weight)
        .transpose(1, 0, 2)
        .reshape(shape.get(0), shape.get(1), heads, dModel);
  }

  /** A view of a weight whose derived arrays belong to a cotangent's manager. */
  static NDArray inScope(NDArray cotangent, NDArray weight) {
    return weight.get(cotangent.getManager(), new NDIndex(":"));
  }
}
