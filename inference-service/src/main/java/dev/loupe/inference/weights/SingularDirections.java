package dev.loupe.inference.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.tensor.NdArrays;
import java.util.Optional;

/**
 * The directions along which a weight matrix does most (Millidge and Black 2022): its singular
 * vectors, of those sides that lie in the residual stream. Heads' matrices are decomposed by their
 * factors.
 */
public final class SingularDirections {

  /** A weight matrix. */
  public enum Matrix {
    /** W_V W_O of a head. */
    OV,
    /** W_Q W_K^T of a head; queries are its input side, keys its output side. */
    QK,
    /** W_in of the MLP; its output side lies outside the residual stream. */
    MLP_IN,
    /** W_out of the MLP; its input side lies outside the residual stream. */
    MLP_OUT
  }

  /**
   * Directions, largest singular value first. Both sides of one may turn their sign together; it is
   * turned so that the largest entry of its first given side is positive.
   *
   * @param values singular values
   * @param input unit vectors, [direction, d_model]; empty for MLP_OUT
   * @param output unit vectors, [direction, d_model]; empty for MLP_IN
   */
  public record Found(float[] values, Optional<float[]> input, Optional<float[]> output) {}

  private final HookedTransformer model;
  private final Spectra spectra;

  /** Directions of a model's weights. */
  public SingularDirections(HookedTransformer model, Spectra spectra) {
    this.model = model;
    this.spectra = spectra;
  }

  /** The most directions that a matrix has. */
  public int most(Matrix matrix) {
    return switch (matrix) {
      case OV, QK -> model.config().dHead();
      case MLP_IN, MLP_OUT -> Math.min(model.config().dModel(), model.config().dMlp());
    };
  }

  /**
   * Decomposes a matrix.
   *
   * @param head of the layer; not looked at for the MLP's
   * @param count directions, 1 to {@link #most}
   */
  public Found find(NDManager scope, Matrix matrix, int layer, int head, int count) {
    try (NDManager local = scope.newSubManager()) {
      return switch (matrix) {
        case OV -> {
          HeadWeights heads = HeadWeights.of(local, model, layer);
          yield bothSides(local, heads.v().get(head), heads.o().get(head), count);
        }
        case QK -> {
          HeadWeights heads = HeadWeights.of(local, model, layer);
          yield bothSides(local, heads.q().get(head), heads.k().get(head), count);
        }
        case MLP_IN -> {
          Spectra.Svd svd = spectra.singular(local, block(layer).mlpIn().weight(), count);
          yield new Found(
              NdArrays.floats(svd.values()), Optional.of(turned(svd.right())), Optional.empty());
        }
        case MLP_OUT -> {
          Spectra.Svd svd = spectra.singular(local, block(layer).mlpOut().weight(), count);
          yield new Found(
              NdArrays.floats(svd.values()), Optional.empty(), Optional.of(turned(svd.left())));
        }
      };
    }
  }

  private BlockWeights block(int layer) {
    return model.weights().blocks().get(layer);
  }

  private Found bothSides(NDManager scope, NDArray left, NDArray right, int count) {
    Spectra.Svd svd = spectra.singularOfProduct(scope, left, right, count);
    float[] input = NdArrays.floats(svd.left());
    float[] output = NdArrays.floats(svd.right());
    turn(input, output);
    return new Found(NdArrays.floats(svd.values()), Optional.of(input), Optional.of(output));
  }

  private float[] turned(NDArray side) {
    float[] values = NdArrays.floats(side);
    turn(values, new float[values.length]);
    return values;
  }

  private void turn(float[] side, float[] other) {
    int width = model.config().dModel();
    for (int from = 0; from < side.length; from += width) {
      int largest = from;
      for (int i = from; i < from + width; i++) {
        largest = Math.abs(side[i]) > Math.abs(side[largest]) ? i : largest;
      }
      if (side[largest] < 0) {
        for (int i = from; i < from + width; i++) {
          side[i] = -side[i];
          other[i] = -other[i];
        }
      }
    }
  }

  /** Bytes that decomposing a matrix takes. */
  public long bytes(Matrix matrix) {
    long d = model.config().dModel();
    long inner =
        switch (matrix) {
          case OV, QK -> d;
          case MLP_IN, MLP_OUT -> model.config().dMlp();
        };
    return Double.BYTES * 6 * d * Math.max(d, inner);
  }
}
