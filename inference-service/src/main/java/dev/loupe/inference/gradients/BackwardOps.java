package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.LayerNormWeights;
import dev.loupe.inference.model.hooks.HookKind;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The arithmetic of a backward pass: vector-Jacobian products. Every result belongs to the manager
 * of the cotangent given first; no argument is changed in place.
 */
public interface BackwardOps {

  /** Through y = x W^T + b: a cotangent [..., out] and a weight [out, in] to [..., in]. */
  NDArray linear(NDArray cotangent, NDArray weight);

  /**
   * Through a whole layer norm, weight and bias included.
   *
   * @param x what the layer norm read, [..., d]
   */
  NDArray layerNorm(NDArray cotangent, NDArray x, LayerNormWeights weights, double epsilon);

  /**
   * Through the MLP's non-linearity.
   *
   * @param x what it read
   */
  NDArray activate(NDArray cotangent, NDArray x, Activation activation);

  /**
   * Through the projection of queries, keys and values, and through ln1, head by head.
   *
   * @param cotangents of queries, keys and values, [b, p, h, d_head] each
   * @param projected queries, keys and values themselves, as they were projected; or nothing
   * @param kinds which to give: {@code Q_INPUT}, {@code K_INPUT}, {@code V_INPUT}, and {@code
   *     ATTN_IN} by way of all three; at least one
   * @param residPre what all heads read, [b, p, d_model]
   * @return the cotangents of what each head read, [b, p, h, d_model] each
   */
  Map<HookKind, NDArray> headInputs(
      List<NDArray> cotangents,
      List<NDArray> projected,
      Set<HookKind> kinds,
      NDArray residPre,
      BlockWeights weights,
      double epsilon);

  /** Through a softmax over the last axis that gave {@code pattern}. */
  NDArray softmax(NDArray cotangent, NDArray pattern);
}
