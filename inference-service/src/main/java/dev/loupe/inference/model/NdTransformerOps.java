package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;

/**
 * {@link TransformerOps} in engine calls that autograd follows. In-place calls touch only values
 * that the backward pass does not read. Large intermediates are closed as soon as they have been
 * used; autograd holds on to what it still needs.
 */
public final class NdTransformerOps implements TransformerOps {
  private static final double GELU_LINEAR = 2 * Math.sqrt(2 / Math.PI);
  private static final double GELU_CUBIC = 0.044715 * GELU_LINEAR;

  @Override
  public NDArray embed(NDArray ids, NDArray table) {
    return ids.getNDArrayInternal().embedding(ids, table, SparseFormat.DENSE).singletonOrThrow();
  }

  @Override
  public NDArray linear(NDArray x, LinearWeights weights) {
    return x.getNDArrayInternal().linear(x, weights.weight(), weights.bias()).singletonOrThrow();
  }

  @Override
  public NDArray layerNorm(NDArray x, LayerNormWeights weights, double epsilon) {
    Shape last = new Shape(x.getShape().get(x.getShape().dimension() - 1));
    return x.getNDArrayInternal()
        .layerNorm(x, last, weights.weight(), weights.bias(), (float) epsilon)
        .singletonOrThrow();
  }

  @Override
  public NDArray center(NDArray x) {
    return x.sub(x.mean(new int[] {-1}, true));
  }

  @Override
  public NDArray scale(NDArray centered, double epsilon) {
    return centered.mul(centered).mean(new int[] {-1}, true).add(epsilon).sqrt();
  }

  @Override
  public NDArray affine(NDArray normalized, LayerNormWeights weights) {
    return normalized.mul(weights.weight()).add(weights.bias());
  }

  @Override
  public NDArray scores(NDArray q, NDArray k, double scale, NDArray mask) {
    NDArray scores = q.mul(scale).transpose(0, 2, 1, 3).matMul(k.transpose(0, 2, 3, 1));
    return mask == null ? scores : scores.addi(mask);
  }

  @Override
  public NDArray pattern(NDArray scores, boolean mayHideAll) {
    NDArray pattern = scores.softmax(-1);
    if (!mayHideAll) {
      return pattern;
    }
    return NDArrays.where(pattern.isNaN(), pattern.zerosLike(), pattern);
  }

  @Override
  public NDArray mix(NDArray pattern, NDArray v) {
    return pattern.matMul(v.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3);
  }

  @Override
  public NDArray attention(NDArray q, NDArray k, NDArray v, double scale, NDArray mask) {
    try (NDArray scores = scores(q, k, scale, mask);
        NDArray pattern = pattern(scores, false)) {
      return mix(pattern, v);
    }
  }

  @Override
  public NDArray activate(NDArray x, Activation activation) {
    return switch (activation) {
      case GELU_TANH -> geluTanh(x);
      case GELU_EXACT -> x.getNDArrayInternal().gelu();
      case GELU_QUICK -> x.mul(sigmoid(x.mul(1.702)));
      case RELU -> x.getNDArrayInternal().relu();
      case SILU -> x.mul(sigmoid(x));
      case TANH -> x.tanh();
    };
  }

  /** With 1 + tanh(u) = 2 sigmoid(2u), gelu is x sigmoid(x (c1 + c3 x^2)). */
  private static NDArray geluTanh(NDArray x) {
    try (NDArray factor = x.mul(x).muli(GELU_CUBIC).addi(GELU_LINEAR);
        NDArray inner = x.mul(factor);
        NDArray gate = sigmoid(inner)) {
      return x.mul(gate);
    }
  }

  private static NDArray sigmoid(NDArray x) {
    return x.getNDArrayInternal().sigmoid();
  }

  @Override
  public NDArray unembed(NDArray x, NDArray unembedding) {
    NDList product = x.getNDArrayInternal().linear(x, unembedding, null);
    return product.singletonOrThrow();
  }
}
