package dev.loupe.inference.model;

import dev.loupe.tensor.kernels.TorchKernels;

/** The same in the form for engines without oneDNN, on whatever machine. */
class PortableTransformerOpsTest extends FusedTransformerOpsTest {

  @Override
  FusedTransformerOps fused(ModelWeights weights, ComputeType type) {
    return FusedTransformerOps.of(
        weights, type, TorchKernels.load(TorchKernels.class, FusedTransformerOps.PORTABLE));
  }
}
