package dev.loupe.tensor.kernels;

import ai.djl.ndarray.NDArray;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import dev.loupe.tensor.TensorEngine;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * A TorchScript module without weights, whose methods are called by name: one call is one crossing
 * into the engine, however many operations the method holds. It may be called from several threads
 * at once.
 *
 * <p>Methods run in the engine's inference mode: autograd does not follow them, and what they give
 * cannot be changed in place outside of them.
 */
public final class TorchKernels implements AutoCloseable {
  private final PtNDManager manager;
  private final PtSymbolBlock module;

  private TorchKernels(PtNDManager manager, PtSymbolBlock module) {
    this.manager = manager;
    this.module = module;
  }

  /**
   * Loads a module from the class path.
   *
   * @param owner the class beside which the module lies
   * @param name the module's file name, for example {@code forward.pt}
   * @throws UncheckedIOException when there is no such module
   */
  public static TorchKernels load(Class<?> owner, String name) {
    PtNDManager manager = (PtNDManager) TensorEngine.newManager();
    try (InputStream stream = owner.getResourceAsStream(name)) {
      if (stream == null) {
        throw new FileNotFoundException("no module " + name + " beside " + owner.getName());
      }
      return new TorchKernels(manager, JniUtils.loadModule(manager, stream, false, false));
    } catch (IOException e) {
      manager.close();
      throw new UncheckedIOException(e);
    }
  }

  /** Starts a call; add its arguments in the order of the method, then run it. */
  public KernelCall call(String method) {
    return new KernelCall(module, method);
  }

  /** Arrays that many calls take together: prepared once, a call takes them as one argument. */
  public static Weights weights(List<NDArray> arrays) {
    return new Weights(
        IValue.listFrom(arrays.stream().map(PtNDArray.class::cast).toArray(PtNDArray[]::new)));
  }

  /** A list of arrays as the engine takes it; it keeps their memory alive until it is closed. */
  public static final class Weights implements AutoCloseable {
    private final IValue list;

    private Weights(IValue list) {
      this.list = list;
    }

    IValue value() {
      return list;
    }

    @Override
    public void close() {
      list.close();
    }
  }

  /** Frees the module; no call may run any more. */
  @Override
  public void close() {
    module.close();
    manager.close();
  }
}
