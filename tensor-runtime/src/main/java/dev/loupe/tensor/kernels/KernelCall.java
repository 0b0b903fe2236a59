package dev.loupe.tensor.kernels;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.List;

/** One call of a {@link TorchKernels} method: its arguments, then what it gives. Used once. */
public final class KernelCall {
  private final PtSymbolBlock module;
  private final String method;
  private final List<IValue> arguments = new ArrayList<>();
  private final List<IValue> owned = new ArrayList<>();

  KernelCall(PtSymbolBlock module, String method) {
    this.module = module;
    this.method = method;
  }

  /** Adds a {@code Tensor}. */
  public KernelCall with(NDArray array) {
    return own(IValue.from((PtNDArray) array));
  }

  /** Adds a {@code List[Tensor]}; an empty one or one array stand for an optional tensor. */
  public KernelCall with(List<? extends NDArray> arrays) {
    return own(
        IValue.listFrom(arrays.stream().map(PtNDArray.class::cast).toArray(PtNDArray[]::new)));
  }

  /** Adds a {@code List[Tensor]} that was prepared; it stays open. */
  public KernelCall with(TorchKernels.Weights weights) {
    arguments.add(weights.value());
    return this;
  }

  /** Adds a {@code float}. */
  public KernelCall with(double number) {
    return own(IValue.from(number));
  }

  /** Adds an {@code int}. */
  public KernelCall with(long number) {
    return own(IValue.from(number));
  }

  /** Adds a {@code bool}. */
  public KernelCall with(boolean flag) {
    return own(IValue.from(flag));
  }

  /** Adds a {@code str}. */
  public KernelCall with(String text) {
    return own(IValue.from(text));
  }

  private KernelCall own(IValue value) {
    arguments.add(value);
    owned.add(value);
    return this;
  }

  /** Runs a method that gives a {@code Tensor}, which will belong to the manager. */
  public NDArray array(NDManager manager) {
    try (IValue result = invoke()) {
      return result.toTensor((PtNDManager) manager);
    }
  }

  /** Runs a method that gives a {@code List[Tensor]}, which will belong to the manager. */
  public List<NDArray> arrays(NDManager manager) {
    try (IValue result = invoke()) {
      return List.of(result.toTensorArray((PtNDManager) manager));
    }
  }

  /** Runs a method for its effect on its arguments. */
  public void run() {
    invoke().close();
  }

  private IValue invoke() {
    // The engine keeps this setting for each thread: without it, every new shape is compiled anew.
    JniUtils.setGraphExecutorOptimize(false);
    try {
      return IValueUtils.runMethod(module, method, arguments.toArray(IValue[]::new));
    } finally {
      owned.forEach(IValue::close);
    }
  }
}
