package dev.loupe.inference.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.tensor.kernels.TorchKernels;
import java.util.List;

/**
 * Norms, eigenvalues and singular values of products of weights. Shapes: h heads, m = d_head, d =
 * d_model. Nothing here makes a d x d product of a head's own factors.
 */
public final class Spectra implements AutoCloseable {
  private final TorchKernels kernels = TorchKernels.load(TorchKernels.class, "spectra.pt");

  /**
   * Singular values with their directions, largest first.
   *
   * @param left [count, n], orthonormal rows
   * @param values [count]
   * @param right [count, k], orthonormal rows
   */
  record Svd(NDArray left, NDArray values, NDArray right) {
    private static Svd of(List<NDArray> parts) {
      return new Svd(parts.get(0), parts.get(1), parts.get(2));
    }
  }

  /** R inner with outer^T = Q R, of [h, m, d] each: |R inner y| is |outer^T inner y|. */
  NDArray factor(NDManager scope, NDArray outer, NDArray inner) {
    return kernels.call("factor").with(outer).with(inner).array(scope);
  }

  /** |l r^T| / (|l| |r|) for all pairs of left and right, both [h, m, d]: [h, h]. */
  NDArray composition(NDManager scope, NDArray left, NDArray right) {
    return kernels.call("composition").with(left).with(right).array(scope);
  }

  /** left^T right of two tables [n, d]: [d, d]. */
  NDArray tableProduct(NDManager scope, NDArray left, NDArray right) {
    return kernels.call("table_product").with(left).with(right).array(scope);
  }

  /**
   * Eigenvalues of inner middle outer^T, in float64.
   *
   * @param inner [h, m, d]
   * @param middle one [d, d], or none for the identity
   * @param outer [h, m, d]
   * @return [h, m, 2], real and imaginary parts
   */
  NDArray eigenvalues(NDManager scope, NDArray inner, List<NDArray> middle, NDArray outer) {
    return kernels.call("eigenvalues").with(inner).with(middle).with(outer).array(scope);
  }

  /** The largest singular values of w [n, k]. */
  Svd singular(NDManager scope, NDArray w, int count) {
    return Svd.of(kernels.call("singular").with(w).with((long) count).arrays(scope));
  }

  /** The largest singular values of left^T right, both [m, d]. */
  Svd singularOfProduct(NDManager scope, NDArray left, NDArray right, int count) {
    return Svd.of(
        kernels
            .call("singular_of_product")
            .with(left)
            .with(right)
            .with((long) count)
            .arrays(scope));
  }

  @Override
  public void close() {
    kernels.close();
  }
}
