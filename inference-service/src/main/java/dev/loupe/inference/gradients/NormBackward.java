package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.LayerNormWeights;
import dev.loupe.inference.model.hooks.HookKind;

/** The way back through a layer norm with hook points at its scale and its normalised value. */
final class NormBackward {
  private static final int[] LAST = {-1};

  private final BackwardOps ops;
  private final GradientRun hooks;
  private final double epsilon;

  NormBackward(BackwardOps ops, GradientRun hooks, double epsilon) {
    this.ops = ops;
    this.hooks = hooks;
    this.epsilon = epsilon;
  }

  /**
   * Goes back through the norm.
   *
   * @param cotangent of the norm's result, [b, p, d_model]
   * @param x what the norm read
   * @param layer -1 for ln_final
   * @return the cotangent of x
   */
  NDArray run(
      NDArray cotangent,
      NDArray x,
      LayerNormWeights weights,
      HookKind scaleKind,
      HookKind normalizedKind,
      int layer) {
    if (!hooks.isUsed(scaleKind, layer) && !hooks.isUsed(normalizedKind, layer)) {
      return ops.layerNorm(cotangent, x, weights, epsilon);
    }
    NDArray byNormalized = hooks.at(normalizedKind, layer, cotangent.mul(weights.weight()));
    NDArray centered = x.sub(x.mean(LAST, true));
    NDArray ownScale = centered.square().mean(LAST, true).add(epsilon).sqrt(); // [b, p, 1]
    NDArray scale = hooks.isEdited(scaleKind, layer) ? hooks.kept(scaleKind, layer) : ownScale;
    NDArray byCentered = byNormalized.div(scale);
    NDArray byScale = byCentered.mul(centered).sum(LAST, true).div(scale).neg();
    byScale = hooks.at(scaleKind, layer, byScale);
    double width = x.getShape().get(x.getShape().dimension() - 1);
    NDArray both = byCentered.add(centered.mul(byScale.div(ownScale.mul(width))));
    return both.sub(both.mean(LAST, true));
  }
}
