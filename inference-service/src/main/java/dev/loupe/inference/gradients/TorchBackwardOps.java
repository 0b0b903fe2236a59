package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.LayerNormWeights;
import dev.loupe.tensor.kernels.KernelCall;
import dev.loupe.tensor.kernels.TorchKernels;
import java.util.List;

/** {@link BackwardOps} in compiled calls: one pass over memory where a formula has ten. */
public final class TorchBackwardOps implements BackwardOps, AutoCloseable {
  private final TorchKernels kernels = TorchKernels.load(TorchKernels.class, "backward.pt");

  @Override
  public NDArray linear(NDArray cotangent, NDArray weight) {
    return kernels.call("linear").with(cotangent).with(weight).array(cotangent.getManager());
  }

  @Override
  public NDArray layerNorm(NDArray cotangent, NDArray x, LayerNormWeights weights, double epsilon) {
    return kernels
        .call("layer_norm")
        .with(cotangent)
        .with(x)
        .with(weights.weight())
        .with(weights.bias())
        .with(epsilon)
        .array(cotangent.getManager());
  }

  @Override
  public NDArray activate(NDArray cotangent, NDArray x, Activation activation) {
    return with(kernels.call("activate").with(cotangent).with(x), activation)
        .array(cotangent.getManager());
  }

  private static KernelCall with(KernelCall call, Activation activation) {
    return switch (activation) {
      case GELU_TANH -> call.with("gelu").with("tanh");
      case GELU_EXACT -> call.with("gelu").with("none");
      case GELU_QUICK -> call.with("quick").with("");
      case RELU -> call.with("relu").with("");
      case SILU -> call.with("swish").with("");
      case TANH -> call.with("tanh").with("");
    };
  }

  @Override
  public NDArray softmax(NDArray cotangent, NDArray pattern) {
    return kernels.call("softmax").with(cotangent).with(pattern).array(cotangent.getManager());
  }

  @Override
  public NDArray headInputs(
      List<NDArray> cotangents,
      List<Integer> parts,
      NDArray residPre,
      BlockWeights weights,
      double epsilon) {
    int mask = parts.stream().mapToInt(part -> 1 << part).sum();
    return kernels
        .call("head_inputs")
        .with(cotangents)
        .with(mask)
        .with(residPre)
        .with(weights.qkv().weight())
        .with(weights.ln1().weight())
        .with(epsilon)
        .array(residPre.getManager());
  }

  @Override
  public void close() {
    kernels.close();
  }
}
