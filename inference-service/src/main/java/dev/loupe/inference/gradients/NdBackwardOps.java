package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.LayerNormWeights;
import dev.loupe.inference.model.hooks.HookKind;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** {@link BackwardOps} in engine calls, one for each operation of the formula. */
public final class NdBackwardOps implements BackwardOps {
  private static final int[] LAST = {-1};
  private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

  @Override
  public NDArray linear(NDArray cotangent, NDArray weight) {
    return cotangent.matMul(weight);
  }

  /** With g = cotangent * w and n = normalised x: (g - mean(g) - n mean(g n)) / scale. */
  @Override
  public NDArray layerNorm(NDArray cotangent, NDArray x, LayerNormWeights weights, double epsilon) {
    NDArray g = cotangent.mul(weights.weight());
    NDArray centered = x.sub(x.mean(LAST, true));
    NDArray scale = centered.square().mean(LAST, true).add(epsilon).sqrt();
    NDArray n = centered.div(scale);
    return g.sub(g.mean(LAST, true)).sub(n.mul(g.mul(n).mean(LAST, true))).div(scale);
  }

  @Override
  public NDArray activate(NDArray cotangent, NDArray x, Activation activation) {
    return cotangent.mul(
        switch (activation) {
          case GELU_TANH -> geluTanh(x);
          case GELU_EXACT -> geluExact(x);
          case GELU_QUICK -> sigmoidTimes(x, 1.702);
          case RELU -> x.gt(0).toType(x.getDataType(), false);
          case SILU -> sigmoidTimes(x, 1);
          case TANH -> x.tanh().square().neg().add(1);
        });
  }

  /**
   * The derivative of x/2 (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3), is (1 + t)/2 + x/2 (1 -
   * t^2) u', where t = tanh u and u' = sqrt(2/pi) (1 + 3 * 0.044715 x^2).
   */
  private static NDArray geluTanh(NDArray x) {
    NDArray square = x.square();
    NDArray t = square.mul(0.044715).add(1).mul(x).mul(SQRT_2_OVER_PI).tanh();
    NDArray slope = square.mul(3 * 0.044715).add(1).mul(SQRT_2_OVER_PI);
    return t.add(1).mul(0.5).add(t.square().neg().add(1).mul(x).mul(slope).mul(0.5));
  }

  /** The derivative of x Phi(x) is Phi(x) + x phi(x). */
  private static NDArray geluExact(NDArray x) {
    NDArray cumulative = x.div(Math.sqrt(2)).erf().add(1).mul(0.5);
    NDArray density = x.square().mul(-0.5).exp().mul(1 / Math.sqrt(2 * Math.PI));
    return cumulative.add(x.mul(density));
  }

  /** The derivative of x s, s = sigmoid(a x), is s + a x s (1 - s). */
  private static NDArray sigmoidTimes(NDArray x, double a) {
    NDArray s = x.mul(a).getNDArrayInternal().sigmoid();
    return s.add(s.mul(s.neg().add(1)).mul(x).mul(a));
  }

  @Override
  public NDArray softmax(NDArray cotangent, NDArray pattern) {
    return pattern.mul(cotangent.sub(cotangent.mul(pattern).sum(LAST, true)));
  }

  @Override
  public Map<HookKind, NDArray> headInputs(
      List<NDArray> cotangents,
      List<NDArray> projected,
      Set<HookKind> kinds,
      NDArray residPre,
      BlockWeights weights,
      double epsilon) {
    Map<HookKind, NDArray> byKind = new EnumMap<>(HookKind.class);
    NDArray byAttnIn = null;
    for (int part = 0; part < cotangents.size(); part++) {
      NDArray byNormed = HeadInputsBackward.projectBack(cotangents.get(part), weights, part);
      NDArray byInput =
          layerNorm(byNormed, residPre.expandDims(2), weights.ln1(), epsilon); // [b, p, h, d_model]
      byKind.put(HeadInputsBackward.SPLIT.get(part), byInput);
      byAttnIn = byAttnIn == null ? byInput : byAttnIn.add(byInput);
    }
    byKind.put(HookKind.ATTN_IN, byAttnIn);
    byKind.keySet().retainAll(kinds);
    return byKind;
  }
}
