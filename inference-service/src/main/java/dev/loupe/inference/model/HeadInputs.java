package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookRun;
import dev.loupe.inference.model.hooks.InvalidInterventionException;
import java.util.Arrays;
import java.util.List;

/**
 * The residual stream as each head reads it ({@code hook_attn_in}, {@code hook_q_input}, {@code
 * hook_k_input}, {@code hook_v_input}): copies of it, one for each head, each of which is
 * normalised and projected on its own when it is edited. Also what queries, keys and values read of
 * one layer norm that they share, each projected on its own when one of them is edited.
 */
final class HeadInputs {
  private static final HookKind[] SPLIT = {HookKind.Q_INPUT, HookKind.K_INPUT, HookKind.V_INPUT};

  private static final List<HookKind> SHARED =
      Arrays.stream(HookKind.values()).filter(HookKind::isSharedHeadInput).toList();

  private final GptConfig config;
  private final BlockWeights weights;
  private final int layer;
  private final TransformerOps ops;
  private final HookRun hooks;

  HeadInputs(GptConfig config, BlockWeights weights, int layer, TransformerOps ops, HookRun hooks) {
    this.config = config;
    this.weights = weights;
    this.layer = layer;
    this.ops = ops;
    this.hooks = hooks;
  }

  /** True when the heads do not all read the residual stream itself. */
  boolean areEdited() {
    boolean edited = hooks.isEdited(HookKind.ATTN_IN, layer);
    for (HookKind kind : SPLIT) {
      edited |= hooks.isEdited(kind, layer);
    }
    return edited;
  }

  /** True when queries, keys and values do not all read what ln1 gives. */
  boolean areEditedAfterNorm() {
    return SHARED.stream()
        .anyMatch(kind -> kind.isProjectionInput() && hooks.isEdited(kind, layer));
  }

  /**
   * Queries (part 0), keys (1) or values (2) of all heads from one input.
   *
   * @param input [b, p, d_model], after ln1
   * @return [b, p, h, d_head]
   */
  NDArray project(NDArray input, int part) {
    Shape shape = input.getShape();
    int width = config.dModel();
    NDIndex rows = new NDIndex("{}:{}", part * width, (part + 1) * width);
    NDArray weight = weights.qkv().weight().get(input.getManager(), rows); // [d_model, d_model]
    NDArray bias = weights.qkv().bias().get(input.getManager(), rows);
    return input
        .matMul(weight.transpose())
        .add(bias)
        .reshape(shape.get(0), shape.get(1), config.heads(), config.dHead());
  }

  /** Lets captures see the unedited inputs. */
  void show(NDArray residPre) {
    if (hooks.isUsed(HookKind.ATTN_IN, layer)) {
      hooks.at(HookKind.ATTN_IN, layer, perHead(residPre));
    }
    for (HookKind kind : SPLIT) {
      if (hooks.isUsed(kind, layer)) {
        hooks.at(kind, layer, perHead(residPre));
      }
    }
  }

  /** Queries, keys and values [b, p, h, d_head] of edited inputs. */
  NDArray[] project(NDArray residPre) {
    if (SHARED.stream().anyMatch(kind -> hooks.isEdited(kind, layer))) {
      throw new InvalidInterventionException(
          InvalidInterventionException.Kind.WRONG_SHAPE,
          "hook_point",
          "blocks.%d: edits of ln1 or of what queries, keys or values read of it, and of a head's own input exclude each other; the heads have a layer norm each then"
              .formatted(layer));
    }
    NDArray attnIn = hooks.at(HookKind.ATTN_IN, layer, perHead(residPre)); // [b, p, h, d_model]
    NDArray[] projected = new NDArray[SPLIT.length];
    for (int part = 0; part < SPLIT.length; part++) {
      NDArray input = hooks.at(SPLIT[part], layer, attnIn);
      NDArray normed = ops.layerNorm(input, weights.ln1(), config.layerNormEpsilon());
      projected[part] = projectEach(normed, part);
    }
    return projected;
  }

  private NDArray projectEach(NDArray normed, int part) {
    Shape shape = normed.getShape();
    int heads = config.heads();
    NDArray byHead = normed.reshape(-1, heads, config.dModel()).transpose(1, 0, 2);
    NDArray weight =
        inScope(normed, weights.qkv().weight())
            .reshape(3, heads, config.dHead(), config.dModel())
            .get(part)
            .transpose(0, 2, 1); // [h, d_model, d_head]
    NDArray bias =
        inScope(normed, weights.qkv().bias()).reshape(3, 1, heads, config.dHead()).get(part);
    return byHead
        .matMul(weight)
        .transpose(1, 0, 2)
        .add(bias)
        .reshape(shape.get(0), shape.get(1), heads, config.dHead());
  }

  private NDArray perHead(NDArray residPre) {
    Shape shape = residPre.getShape();
    return residPre
        .expandDims(2)
        .broadcast(new Shape(shape.get(0), shape.get(1), config.heads(), shape.get(2)));
  }

  /** A view of a weight whose derived arrays belong to an activation's manager. */
  static NDArray inScope(NDArray activation, NDArray weight) {
    return weight.get(activation.getManager(), new NDIndex(":"));
  }
}
