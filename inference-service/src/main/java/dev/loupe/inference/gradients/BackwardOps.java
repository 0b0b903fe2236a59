package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.LayerNormWeights;

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

  /** Through a softmax over the last axis that gave {@code pattern}. */
  NDArray softmax(NDArray cotangent, NDArray pattern);
}
