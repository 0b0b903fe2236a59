package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookKind;

/**
 * Gradients at the residual stream as each head reads it ({@code hook_attn_in} and the inputs of
 * queries, keys and values), [b, p, h, d_model].
 */
final class HeadInputsBackward {
  private static final HookKind[] SPLIT = {HookKind.Q_INPUT, HookKind.K_INPUT, HookKind.V_INPUT};

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

  /** True when the heads' own inputs matter on the way back. */
  boolean areUsed() {
    return HeadInputs.KINDS.stream().anyMatch(kind -> hooks.isUsed(kind, layer));
  }

  /**
   * Goes back through projections and layer norms, head by head.
   *
   * @param byParts cotangents of queries, keys and values, [b, p, h, d_head] each
   * @param residPre the residual stream before the block
   * @return the cotangent of the residual stream by way of the heads, [b, p, d_model]
   */
  NDArray run(NDArray[] byParts, NDArray residPre) {
    boolean edited = areEdited(hooks, layer);
    boolean all = edited || hooks.isUsed(HookKind.ATTN_IN, layer);
    NDArray byAttnIn = null;
    for (int part = SPLIT.length - 1; part >= 0; part--) {
      if (!all && !hooks.isUsed(SPLIT[part], layer)) {
        continue;
      }
      NDArray input =
          edited ? hooks.kept(SPLIT[part], layer) : residPre.expandDims(2); // [b, p, h or 1, d]
      NDArray byNormed = projectBack(byParts[part], part);
      NDArray byInput =
          hooks.at(
              SPLIT[part],
              layer,
              ops.layerNorm(byNormed, input, weights.ln1(), config.layerNormEpsilon()));
      if (all) {
        byAttnIn = byAttnIn == null ? byInput : byAttnIn.add(byInput);
      }
    }
    return all ? hooks.at(HookKind.ATTN_IN, layer, byAttnIn).sum(new int[] {2}) : null;
  }

  /** [b, p, h, d_head] to [b, p, h, d_model], each head by its own rows of the weight. */
  private NDArray projectBack(NDArray cotangent, int part) {
    Shape shape = cotangent.getShape();
    int heads = config.heads();
    NDArray byHead = cotangent.reshape(-1, heads, config.dHead()).transpose(1, 0, 2);
    NDArray weight =
        inScope(cotangent, weights.qkv().weight())
            .reshape(3, heads, config.dHead(), config.dModel())
            .get(part); // [h, d_head, d_model]
    return byHead
        .matMul(weight)
        .transpose(1, 0, 2)
        .reshape(shape.get(0), shape.get(1), heads, config.dModel());
  }

  /** A view of a weight whose derived arrays belong to a cotangent's manager. */
  static NDArray inScope(NDArray cotangent, NDArray weight) {
    return weight.get(cotangent.getManager(), new NDIndex(":"));
  }
}
