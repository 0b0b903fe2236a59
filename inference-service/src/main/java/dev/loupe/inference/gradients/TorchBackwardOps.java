package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.ActivationKernels;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.LayerNormWeights;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.tensor.kernels.TorchKernels;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
    return ActivationKernels.with(kernels.call("activate").with(cotangent).with(x), activation)
        .array(cotangent.getManager());
  }

  @Override
  public NDArray softmax(NDArray cotangent, NDArray pattern) {
    return kernels.call("softmax").with(cotangent).with(pattern).array(cotangent.getManager());
  }

  @Override
  public Map<HookKind, NDArray> headInputs(
      List<NDArray> cotangents,
      List<NDArray> projected,
      Set<HookKind> kinds,
      NDArray residPre,
      BlockWeights weights,
      double epsilon) {
    List<HookKind> ordered = HeadInputs.KINDS.stream().filter(kinds::contains).toList();
    int bits = ordered.stream().mapToInt(kind -> 1 << HeadInputs.KINDS.indexOf(kind)).sum();
    List<NDArray> arrays =
        kernels
            .call("head_inputs")
            .with(cotangents)
            .with(bits)
            .with(projected)
            .with(residPre)
            .with(List.of(weights.qkv().weight(), weights.qkv().bias()))
            .with(List.of(weights.ln1().weight(), weights.ln1().bias()))
            .with(epsilon)
            .arrays(residPre.getManager());
    Map<HookKind, NDArray> byKind = new EnumMap<>(HookKind.class);
    for (int i = 0; i < ordered.size(); i++) {
      byKind.put(ordered.get(i), arrays.get(i));
    }
    return byKind;
  }

  @Override
  public void close() {
    kernels.close();
  }
}
