package dev.loupe.inference.model;

import dev.loupe.tensor.kernels.KernelCall;

/** The activation functions as the compiled kernels take them. */
public final class ActivationKernels {
  private ActivationKernels() {}

  /** The call with a function's two arguments: its name, and how it is approximated. */
  public static KernelCall with(KernelCall call, Activation activation) {
    return switch (activation) {
      case GELU_TANH -> call.with("gelu").with("tanh");
      case GELU_EXACT -> call.with("gelu").with("none");
      case GELU_QUICK -> call.with("quick").with("");
      case RELU -> call.with("relu").with("");
      case SILU -> call.with("swish").with("");
      case TANH -> call.with("tanh").with("");
    };
  }
}
