package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import dev.loupe.inference.model.hooks.HookKind;

/**
 * The way back through one block's attention, from the mixed values to queries, keys and values.
 */
final class AttentionBackward {
  private final int layer;
  private final double scale;
  private final BackwardOps ops;
  private final GradientRun hooks;
  private final NDArray visible;

  /**
   * A block's attention.
   *
   * @param scale what the products of queries and keys were multiplied by
   * @param visible false at padding, [b, 1, 1, k]; null when there is none
   */
  AttentionBackward(int layer, double scale, BackwardOps ops, GradientRun hooks, NDArray visible) {
    this.layer = layer;
    this.scale = scale;
    this.ops = ops;
    this.hooks = hooks;
    this.visible = visible;
  }

  /**
   * Goes back through the mix, the softmax and the scores.
   *
   * @param byZ the cotangent of z before interventions, [b, p, h, d_head]
   * @param pattern as the softmax gave it, [b, h, q, k]
   * @return the cotangents of queries, keys and values before interventions, [b, p, h, d_head];
   *     null where the pass ends earlier
   */
  NDArray[] run(NDArray byZ, NDArray pattern) {
    NDArray q = hooks.kept(HookKind.Q, layer).transpose(0, 2, 1, 3); // [b, h, p, d_head]
    NDArray k = hooks.kept(HookKind.K, layer).transpose(0, 2, 1, 3);
    NDArray v = hooks.kept(HookKind.V, layer).transpose(0, 2, 1, 3);
    NDArray byMix = byZ.transpose(0, 2, 1, 3);
    boolean edited = hooks.isEdited(HookKind.PATTERN, layer);
    NDArray mixed = pattern;
    NDArray byPattern = byMix.matMul(v.transpose(0, 1, 3, 2)); // [b, h, q, k]
    if (edited) {
      mixed = hooks.kept(HookKind.PATTERN, layer);
      if (visible != null) {
        NDArray tokens = visible.broadcast(mixed.getShape());
        mixed = NDArrays.where(tokens, mixed, mixed.zerosLike());
        byPattern = NDArrays.where(tokens, byPattern, byPattern.zerosLike());
      }
    }
    NDArray byV = mixed.transpose(0, 1, 3, 2).matMul(byMix).transpose(0, 2, 1, 3);
    byPattern = hooks.at(HookKind.PATTERN, layer, byPattern);
    if (hooks.isDoneAt(HookKind.PATTERN, layer)) {
      return null;
    }
    NDArray byScores = hooks.at(HookKind.ATTN_SCORES, layer, ops.softmax(byPattern, pattern));
    if (hooks.isDoneAt(HookKind.ATTN_SCORES, layer)) {
      return null;
    }
    NDArray scaled = byScores.mul(scale);
    NDArray byQ = scaled.matMul(k).transpose(0, 2, 1, 3);
    NDArray byK = scaled.transpose(0, 1, 3, 2).matMul(q).transpose(0, 2, 1, 3);
    byV = hooks.at(HookKind.V, layer, byV);
    byK = hooks.at(HookKind.K, layer, byK);
    byQ = hooks.at(HookKind.Q, layer, byQ);
    return new NDArray[] {byQ, byK, byV};
  }
}
