package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookRun;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** One block within one pass. Shapes: b rows, p new positions, k keys, h heads. */
final class TransformerBlock {
  private static final List<HookKind> INSIDE =
      Arrays.stream(HookKind.values())
          .filter(HookKind::isPerLayer)
          .filter(kind -> kind != HookKind.RESID_PRE && kind != HookKind.RESID_POST)
          .toList();

  private final GptConfig config;
  private final BlockWeights weights;
  private final int layer;
  private final TransformerOps ops;
  private final HookRun hooks;
  private final AttentionMask mask;
  private final NDArray visible;

  TransformerBlock(
      GptConfig config,
      BlockWeights weights,
      int layer,
      TransformerOps ops,
      HookRun hooks,
      AttentionMask mask,
      NDArray visible) {
    this.config = config;
    this.weights = weights;
    this.layer = layer;
    this.ops = ops;
    this.hooks = hooks;
    this.mask = mask;
    this.visible = visible;
  }

  /** True when the program may change scores or patterns of a layer. */
  static boolean editsMaps(HookRun hooks, int layer) {
    return hooks.isEdited(HookKind.ATTN_SCORES, layer) || hooks.isEdited(HookKind.PATTERN, layer);
  }

  /**
   * Runs the block.
   *
   * @param input the residual stream, [b, p, d_model]
   * @param cache extended by this block's keys and values; may be null
   * @param toTheEnd false when the pass may end at the last hook point that is read
   * @return the residual stream after the block, or null when the pass is done
   */
  NDArray run(NDArray input, KvCache cache, boolean toTheEnd) {
    NDArray residPre = at(HookKind.RESID_PRE, input);
    if (!toTheEnd && hooks.isDoneBefore(HookKind.ATTN_IN, layer)) {
      return null;
    }
    if (!usesInside()) {
      Optional<NDArray> whole = ops.block(residPre, weights, config, layer, mask, cache);
      if (whole.isPresent()) {
        return at(HookKind.RESID_POST, whole.get());
      }
    }
    NDArray z = attention(residPre, cache); // [b, p, h, d_head]
    NDArray residMid = at(HookKind.RESID_MID, plusAttentionOut(residPre, z));
    if (!toTheEnd && hooks.isDoneBefore(HookKind.MLP_IN, layer)) {
      return null;
    }
    NDArray mlpIn = at(HookKind.MLP_IN, residMid);
    NDArray normed =
        at(
            HookKind.LN2_OUT,
            norm(mlpIn, weights.ln2(), HookKind.LN2_SCALE, HookKind.LN2_NORMALIZED));
    NDArray post = at(HookKind.MLP_POST, activated(normed)); // [b, p, d_mlp]
    if (!hooks.isUsed(HookKind.MLP_OUT, layer)) {
      return at(HookKind.RESID_POST, ops.linearPlus(residMid, post, weights.mlpOut()));
    }
    NDArray mlpOut = at(HookKind.MLP_OUT, ops.linear(post, weights.mlpOut()));
    return at(HookKind.RESID_POST, residMid.add(mlpOut));
  }

  private boolean usesInside() {
    for (HookKind kind : INSIDE) {
      if (hooks.isUsed(kind, layer)) {
        return true;
      }
    }
    return false;
  }

  private NDArray activated(NDArray normed) {
    if (!hooks.isUsed(HookKind.MLP_PRE, layer)) {
      return ops.linearActivated(normed, weights.mlpIn(), config.activation());
    }
    NDArray pre = at(HookKind.MLP_PRE, ops.linear(normed, weights.mlpIn()));
    return ops.activate(pre, config.activation());
  }

  private NDArray attention(NDArray residPre, KvCache cache) {
    NDArray q;
    NDArray k;
    NDArray v;
    NDArray ln1In = at(HookKind.LN1_IN, residPre);
    NDArray normed =
        at(
            HookKind.LN1_OUT,
            norm(ln1In, weights.ln1(), HookKind.LN1_SCALE, HookKind.LN1_NORMALIZED));
    NDArray[] ofParts = {
      at(HookKind.Q_IN, normed), at(HookKind.K_IN, normed), at(HookKind.V_IN, normed)
    };
    HeadInputs inputs = new HeadInputs(config, weights, layer, ops, hooks);
    if (inputs.areEdited()) {
      NDArray[] split = inputs.project(residPre);
      q = split[0];
      k = split[1];
      v = split[2];
    } else if (inputs.areEditedAfterNorm()) {
      inputs.show(residPre);
      q = inputs.project(ofParts[0], 0);
      k = inputs.project(ofParts[1], 1);
      v = inputs.project(ofParts[2], 2);
    } else {
      inputs.show(residPre);
      List<NDArray> split = ops.queriesKeysValues(normed, weights.qkv(), config.heads());
      q = split.get(0);
      k = split.get(1);
      v = split.get(2);
    }
    q = at(HookKind.Q, q);
    k = at(HookKind.K, k);
    v = at(HookKind.V, v);
    if (cache != null) {
      k = ops.extend(cache.keys(layer), k, cache.slots());
      v = ops.extend(cache.values(layer), v, cache.slots());
    }
    return at(HookKind.Z, mix(q, k, v));
  }

  private NDArray mix(NDArray q, NDArray k, NDArray v) {
    double scale = config.scoreScale(layer);
    if (!hooks.isUsed(HookKind.ATTN_SCORES, layer) && !hooks.isUsed(HookKind.PATTERN, layer)) {
      return ops.attention(q, k, v, scale, mask);
    }
    NDArray scores =
        atMap(HookKind.ATTN_SCORES, ops.scores(q, k, scale, mask.array())); // [b, h, p, k]
    boolean edited = hooks.isEdited(HookKind.ATTN_SCORES, layer);
    if (edited) {
      scores = onlyVisible(scores, Float.NEGATIVE_INFINITY);
    }
    NDArray pattern = atMap(HookKind.PATTERN, ops.pattern(scores, edited));
    if (hooks.isEdited(HookKind.PATTERN, layer)) {
      pattern = onlyVisible(pattern, 0);
    }
    return ops.mix(pattern, v);
  }

  /** Set, not added: an edit may have left an infinity or no number where padding stands. */
  private NDArray onlyVisible(NDArray map, float elsewhere) {
    if (visible == null) {
      return map;
    }
    Shape shape = map.getShape();
    NDArray hidden = map.getManager().full(new Shape(1), elsewhere).broadcast(shape);
    return NDArrays.where(visible.broadcast(shape), map, hidden);
  }

  /** Hooks see keys by position, wherever a cache has put them. */
  private NDArray atMap(HookKind kind, NDArray map) {
    KeyOrder order = hooks.isUsed(kind, layer) ? mask.keyOrder() : null;
    if (order == null) {
      return at(kind, map);
    }
    NDArray result = at(kind, order.byPosition(map));
    return hooks.isEdited(kind, layer) ? order.bySlot(result) : map;
  }

  private NDArray plusAttentionOut(NDArray residPre, NDArray z) {
    Shape shape = z.getShape();
    NDArray flat = z.reshape(shape.get(0), shape.get(1), config.dModel());
    boolean resultUsed = hooks.isUsed(HookKind.RESULT, layer);
    if (!resultUsed && !hooks.isUsed(HookKind.ATTN_OUT, layer)) {
      return ops.linearPlus(residPre, flat, weights.attentionOut());
    }
    NDArray result = resultUsed ? at(HookKind.RESULT, result(z)) : null; // [b, p, h, d_model]
    NDArray attnOut =
        hooks.isEdited(HookKind.RESULT, layer)
            ? result.sum(new int[] {2}).add(weights.attentionOut().bias())
            : ops.linear(flat, weights.attentionOut());
    return residPre.add(at(HookKind.ATTN_OUT, attnOut));
  }

  /** Each head's part of the attention's output: z of the head times its rows of W_O. */
  private NDArray result(NDArray z) {
    Shape shape = z.getShape();
    long rows = shape.get(0) * shape.get(1);
    NDArray byHead = z.reshape(rows, config.heads(), config.dHead()).transpose(1, 0, 2);
    NDArray weightOut = HeadInputs.inScope(z, weights.attentionOut().weight());
    NDArray wO =
        weightOut
            .reshape(config.dModel(), config.heads(), config.dHead())
            .transpose(1, 2, 0); // [h, d_head, d_model]
    return byHead
        .matMul(wO)
        .transpose(1, 0, 2)
        .reshape(shape.get(0), shape.get(1), config.heads(), config.dModel());
  }

  private NDArray norm(
      NDArray x, LayerNormWeights ln, HookKind scaleKind, HookKind normalizedKind) {
    double epsilon = config.layerNormEpsilon();
    if (!hooks.isUsed(scaleKind, layer) && !hooks.isUsed(normalizedKind, layer)) {
      return ops.layerNorm(x, ln, epsilon);
    }
    NDArray centered = ops.center(x);
    NDArray scale = at(scaleKind, ops.scale(centered, epsilon)); // [b, p, 1]
    NDArray normalized = at(normalizedKind, centered.div(scale));
    return ops.affine(normalized, ln);
  }

  private NDArray at(HookKind kind, NDArray value) {
    return hooks.at(kind, layer, value);
  }
}
