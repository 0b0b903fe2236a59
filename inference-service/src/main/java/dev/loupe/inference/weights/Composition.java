package dev.loupe.inference.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.tensor.NdArrays;

/**
 * How much later heads read what earlier heads write (Elhage et al. 2021): {@code |L R| / (|L|
 * |R|)} in Frobenius norms, with L = W_OV of the earlier head and R the later head's matrix.
 *
 * <p>With W_V = Q T and R = A B, B^T = Q' S, the norm of L R is that of (T W_O) (A S^T), two
 * factors as narrow as a head; their products with those of a whole layer are one matrix product.
 */
public final class Composition {

  /** Through which input the later head reads. */
  public enum Kind {
    /** Its queries: R = W_Q W_K^T. */
    Q,
    /** Its keys: R = W_K W_Q^T. */
    K,
    /** Its values: R = W_V W_O. */
    V
  }

  private final HookedTransformer model;
  private final Spectra spectra;
  private final Kind kind;

  /** Scores of one kind. */
  public Composition(HookedTransformer model, Spectra spectra, Kind kind) {
    this.model = model;
    this.spectra = spectra;
    this.kind = kind;
  }

  /** What an earlier layer's heads write, [h, d_head, d_model]; it belongs to the scope. */
  public NDArray written(NDManager scope, int layer) {
    try (NDManager local = scope.newSubManager()) {
      HeadWeights heads = HeadWeights.of(local, model, layer);
      return spectra.factor(scope, heads.v(), heads.o());
    }
  }

  /**
   * The scores of two layers.
   *
   * @param written of the earlier layer
   * @return [earlier head, later head], each in [0, 1]
   */
  public float[] scores(NDManager scope, NDArray written, int laterLayer) {
    try (NDManager local = scope.newSubManager()) {
      HeadWeights heads = HeadWeights.of(local, model, laterLayer);
      NDArray read =
          switch (kind) {
            case Q -> spectra.factor(local, heads.k(), heads.q());
            case K -> spectra.factor(local, heads.q(), heads.k());
            case V -> spectra.factor(local, heads.o(), heads.v());
          };
      return NdArrays.floats(spectra.composition(local, written, read));
    }
  }

  /** Bytes that scoring a pair of layers takes. */
  public long bytes() {
    long d = model.config().dModel();
    return Float.BYTES * 10 * d * d;
  }
}
