package dev.loupe.benchmarks;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.tensor.kernels.TorchKernels;
import java.util.Arrays;
import java.util.Comparator;

/** A way in which the engine makes matrix products; the fastest depends on shape and processor. */
enum ProductWay {
  /** PyTorch's, by MKL; the only one for batches. */
  MATMUL("matmul"),
  /** oneDNN's, where the engine has it. */
  LINEAR("linear"),
  /** The transpose of the product, for a few rows. */
  COLUMNS("columns");

  private static final int TRIES = 5;

  private final String method;

  ProductWay(String method) {
    this.method = method;
  }

  /** The kernels that all ways are called by. */
  static TorchKernels kernels() {
    try {
      return TorchKernels.load(ProductWay.class, "bound_onednn.pt");
    } catch (EngineException e) {
      // An engine built without oneDNN, as those for Apple's processors are.
      return TorchKernels.load(ProductWay.class, "bound.pt");
    }
  }

  /**
   * The fastest for arrays of these shapes, by the shortest of a few tries that took turns.
   *
   * @param a [m, k], or batches of it
   * @param b [k, n], or batches of it
   * @param out [m, n], or batches of it; written over
   */
  static ProductWay fastest(TorchKernels kernels, NDArray a, NDArray b, NDArray out) {
    if (a.getShape().dimension() > 2) {
      return MATMUL;
    }
    double[] shortest = new double[values().length];
    Arrays.fill(shortest, Double.POSITIVE_INFINITY);
    for (int turn = -1; turn < TRIES; turn++) {
      for (ProductWay way : values()) {
        long start = System.nanoTime();
        way.run(kernels, a, b, out);
        if (turn >= 0) {
          shortest[way.ordinal()] =
              Math.min(shortest[way.ordinal()], (System.nanoTime() - start) * 1e-9);
        }
      }
    }
    return Arrays.stream(values())
        .min(Comparator.comparingDouble(way -> shortest[way.ordinal()]))
        .orElseThrow();
  }

  /** Makes the product, and forgets it. */
  void run(TorchKernels kernels, NDArray a, NDArray b, NDArray out) {
    kernels.call(method).with(a).with(b).with(out).run();
  }

  /** Makes the product. */
  NDArray product(TorchKernels kernels, NDArray a, NDArray b, NDArray out, NDManager manager) {
    return kernels.call(method).with(a).with(b).with(out).array(manager);
  }
}
