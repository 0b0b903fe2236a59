package dev.loupe.inference.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.tensor.NdArrays;
import java.util.List;

/**
 * How much heads copy (Elhage et al. 2021): the sum of a circuit's eigenvalues over the sum of
 * their magnitudes. A product of tall and wide factors has, beside zeros, the eigenvalues of the
 * same factors in cyclic order, so d_head of them are enough. Layer norms are left out: load a
 * model with folded ones to count their weights.
 */
public final class Copying {

  /** Which circuit. */
  public enum Circuit {
    /** What attending to a token does to the logits: W_E W_V W_O W_U. */
    OV,
    /** How much a token attends to another: W_E W_Q W_K^T W_E^T. */
    QK,
    /** Within the residual stream: W_V W_O. */
    OV_RESIDUAL,
    /** Within the residual stream: W_Q W_K^T. */
    QK_RESIDUAL
  }

  private final HookedTransformer model;
  private final Spectra spectra;
  private final Circuit circuit;

  /** Scores of one circuit. */
  public Copying(HookedTransformer model, Spectra spectra, Circuit circuit) {
    this.model = model;
    this.spectra = spectra;
    this.circuit = circuit;
  }

  /**
   * What the circuit does to embeddings between a head's factors, [d_model, d_model] or nothing.
   */
  public List<NDArray> middle(NDManager scope) {
    NDArray embedding = model.weights().tokenEmbedding();
    return switch (circuit) {
      case OV -> List.of(spectra.tableProduct(scope, model.weights().unembedding(), embedding));
      case QK -> List.of(spectra.tableProduct(scope, embedding, embedding));
      case OV_RESIDUAL, QK_RESIDUAL -> List.of();
    };
  }

  /**
   * The scores of a layer's heads.
   *
   * @param middle of the circuit
   * @return one for each head, in [-1, 1]; 0 where all eigenvalues are
   */
  public double[] scores(NDManager scope, List<NDArray> middle, int layer) {
    try (NDManager local = scope.newSubManager()) {
      HeadWeights heads = HeadWeights.of(local, model, layer);
      NDArray eigenvalues =
          switch (circuit) {
            case OV, OV_RESIDUAL -> spectra.eigenvalues(local, heads.o(), middle, heads.v());
            case QK, QK_RESIDUAL -> spectra.eigenvalues(local, heads.k(), middle, heads.q());
          };
      return scores(eigenvalues);
    }
  }

  /** From eigenvalues [h, m, 2]. */
  private static double[] scores(NDArray eigenvalues) {
    int heads = (int) eigenvalues.getShape().get(0);
    int each = (int) eigenvalues.getShape().get(1);
    float[] parts = NdArrays.floats(eigenvalues);
    double[] scores = new double[heads];
    for (int head = 0; head < heads; head++) {
      double sum = 0;
      double magnitudes = 0;
      for (int i = head * each; i < (head + 1) * each; i++) {
        sum += parts[2 * i];
        magnitudes += Math.hypot(parts[2 * i], parts[2 * i + 1]);
      }
      scores[head] = magnitudes == 0 ? 0 : sum / magnitudes;
    }
    return scores;
  }

  /** Bytes that scoring takes. */
  public long bytes() {
    long d = model.config().dModel();
    return Double.BYTES * 8 * d * d;
  }
}
