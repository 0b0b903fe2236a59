package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.hooks.HookKind;
import java.util.List;

/**
 * The way back through one block, hook point by hook point in the reverse of the order in which the
 * forward pass reaches them. Shapes: b rows, p positions, k keys, h heads.
 */
final class BlockBackward {
  private static final List<HookKind> PROJECTED =
      List.of(HookKind.Q_IN, HookKind.K_IN, HookKind.V_IN);

  private final GptConfig config;
  private final HookedTransformer model;
  private final BlockWeights weights;
  private final int layer;
  private final BackwardOps ops;
  private final GradientRun hooks;
  private final NormBackward norms;
  private final NDArray mask;
  private final NDArray visible;

  BlockBackward(
      HookedTransformer model,
      int layer,
      BackwardOps ops,
      GradientRun hooks,
      NDArray mask,
      NDArray visible) {
    this.config = model.config();
    this.model = model;
    this.weights = model.weights().blocks().get(layer);
    this.layer = layer;
    this.ops = ops;
    this.hooks = hooks;
    this.norms = new NormBackward(ops, hooks, config.layerNormEpsilon());
    this.mask = mask;
    this.visible = visible;
  }

  /**
   * Goes back through the block.
   *
   * @param cotangent of the residual stream after the block, [b, p, d_model]
   * @return the cotangent of the residual stream before the block; null when nothing earlier is
   *     asked for
   */
  NDArray run(NDArray cotangent) {
    NDArray byResid = at(HookKind.RESID_POST, cotangent);
    if (isDoneAt(HookKind.RESID_POST)) {
      return null;
    }
    NDArray byMlpIn = mlp(at(HookKind.MLP_OUT, byResid));
    if (byMlpIn == null) {
      return null;
    }
    byResid = at(HookKind.RESID_MID, byResid.add(byMlpIn));
    if (isDoneAt(HookKind.RESID_MID)) {
      return null;
    }
    NDArray byAttnOut = at(HookKind.ATTN_OUT, byResid);
    if (isDoneAt(HookKind.ATTN_OUT)) {
      return null;
    }
    NDArray byZ = at(HookKind.Z, attentionOut(byAttnOut));
    if (isDoneAt(HookKind.Z)) {
      return null;
    }
    AttentionBackward attention =
        new AttentionBackward(layer, config.scoreScale(layer), ops, hooks, visible);
    NDArray[] byParts = attention.run(byZ, pattern());
    if (byParts == null || isDoneAt(HookKind.Q)) {
      return null;
    }
    return at(HookKind.RESID_PRE, byResid.add(headInputs(byParts)));
  }

  /** The cotangent of the residual stream by way of the MLP, or null when the pass ends there. */
  private NDArray mlp(NDArray byMlpOut) {
    if (isDoneAt(HookKind.MLP_OUT)) {
      return null;
    }
    NDArray byPost = at(HookKind.MLP_POST, ops.linear(byMlpOut, weights.mlpOut().weight()));
    if (isDoneAt(HookKind.MLP_POST)) {
      return null;
    }
    NDArray pre = hooks.kept(HookKind.MLP_PRE, layer);
    NDArray byPre = at(HookKind.MLP_PRE, ops.activate(byPost, pre, config.activation()));
    if (isDoneAt(HookKind.MLP_PRE)) {
      return null;
    }
    NDArray byNormed = at(HookKind.LN2_OUT, ops.linear(byPre, weights.mlpIn().weight()));
    if (isDoneAt(HookKind.LN2_OUT)) {
      return null;
    }
    boolean edited = hooks.isEdited(HookKind.MLP_IN, layer);
    NDArray x = hooks.kept(edited ? HookKind.MLP_IN : HookKind.RESID_MID, layer);
    return at(
        HookKind.MLP_IN,
        norms.run(byNormed, x, weights.ln2(), HookKind.LN2_SCALE, HookKind.LN2_NORMALIZED, layer));
  }

  /** The cotangent of z, [b, p, h, d_head]. */
  private NDArray attentionOut(NDArray byAttnOut) {
    Shape shape = byAttnOut.getShape();
    NDArray weight = weights.attentionOut().weight();
    int heads = config.heads();
    if (hooks.isUsed(HookKind.RESULT, layer)) {
      NDArray ofEach =
          byAttnOut
              .expandDims(2)
              .broadcast(new Shape(shape.get(0), shape.get(1), heads, config.dModel()));
      NDArray byResult = at(HookKind.RESULT, ofEach);
      if (hooks.isEdited(HookKind.RESULT, layer)) {
        NDArray wO =
            HeadInputsBackward.inScope(byAttnOut, weight)
                .reshape(config.dModel(), heads, config.dHead())
                .transpose(1, 0, 2); // [h, d_model, d_head]
        return byResult
            .reshape(-1, heads, config.dModel())
            .transpose(1, 0, 2)
            .matMul(wO)
            .transpose(1, 0, 2)
            .reshape(shape.get(0), shape.get(1), heads, config.dHead());
      }
    }
    return ops.linear(byAttnOut, weight).reshape(shape.get(0), shape.get(1), heads, config.dHead());
  }

  /** The pattern before its interventions, [b, h, q, k]: made again where it was not kept. */
  private NDArray pattern() {
    if (hooks.isEdited(HookKind.PATTERN, layer) || hooks.isEdited(HookKind.ATTN_SCORES, layer)) {
      return hooks.keptBefore(HookKind.PATTERN, layer);
    }
    return model
        .ops()
        .pattern(
            model
                .ops()
                .scores(
                    hooks.kept(HookKind.Q, layer),
                    hooks.kept(HookKind.K, layer),
                    config.scoreScale(layer),
                    mask),
            false);
  }

  /** The cotangent of the residual stream by way of queries, keys and values. */
  private NDArray headInputs(NDArray[] byParts) {
    NDArray residPre = hooks.kept(HookKind.RESID_PRE, layer);
    HeadInputsBackward inputs = new HeadInputsBackward(config, weights, layer, ops, hooks);
    if (HeadInputsBackward.areEdited(hooks, layer)) {
      return inputs.run(byParts);
    }
    NDArray byNormed = at(HookKind.LN1_OUT, projections(byParts, residPre.getShape()));
    boolean edited = hooks.isEdited(HookKind.LN1_IN, layer);
    NDArray x = edited ? hooks.kept(HookKind.LN1_IN, layer) : residPre;
    NDArray byInput =
        norms.run(byNormed, x, weights.ln1(), HookKind.LN1_SCALE, HookKind.LN1_NORMALIZED, layer);
    byInput = at(HookKind.LN1_IN, byInput);
    inputs.show(byParts, residPre);
    return byInput;
  }

  /** The cotangent of what ln1 gives by way of queries, keys and values, [b, p, d_model]. */
  private NDArray projections(NDArray[] byParts, Shape shape) {
    if (PROJECTED.stream().noneMatch(kind -> hooks.isUsed(kind, layer))) {
      NDList flat = new NDList();
      for (NDArray part : byParts) {
        flat.add(part.reshape(shape));
      }
      return ops.linear(NDArrays.concat(flat, 2), weights.qkv().weight());
    }
    int width = config.dModel();
    NDArray sum = null;
    for (int part = PROJECTED.size() - 1; part >= 0; part--) {
      NDArray weight =
          HeadInputsBackward.inScope(byParts[part], weights.qkv().weight())
              .get(new NDIndex("{}:{}", part * width, (part + 1) * width)); // [d_model, d_model]
      NDArray byPart = at(PROJECTED.get(part), byParts[part].reshape(shape).matMul(weight));
      sum = sum == null ? byPart : sum.add(byPart);
    }
    return sum;
  }

  private NDArray at(HookKind kind, NDArray cotangent) {
    return hooks.at(kind, layer, cotangent);
  }

  private boolean isDoneAt(HookKind kind) {
    return hooks.isDoneAt(kind, layer);
  }
}
