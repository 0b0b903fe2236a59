package dev.loupe.inference.neurons;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import dev.loupe.inference.analysis.VocabularyProjection;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.tensor.NdArrays;
import java.util.List;

/** What MLP neurons add to the logits when they are active: their rows of W_out times W_U. */
public final class NeuronEffects {
  private final HookedTransformer model;
  private final VocabularyProjection projection;

  /** Effects through a projection of the same model. */
  public NeuronEffects(HookedTransformer model, VocabularyProjection projection) {
    this.model = model;
    this.projection = projection;
  }

  /**
   * The tokens that neurons promote and suppress most, in logits per unit of activation.
   *
   * @param neurons of the layer
   * @throws InvalidUnitsException for a neuron that is not there
   */
  public List<VocabularyProjection.Ends> of(
      NDManager parent, int layer, List<Integer> neurons, int topK) {
    int last = model.config().dMlp() - 1;
    for (int neuron : neurons) {
      if (neuron < 0 || neuron > last) {
        throw new InvalidUnitsException(
            "neuron %d of layer %d; expected 0 to %d".formatted(neuron, layer, last));
      }
    }
    return projection.project(parent, written(parent, layer, neurons), topK);
  }

  /** [neuron, d_model]. */
  private float[] written(NDManager parent, int layer, List<Integer> neurons) {
    int width = model.config().dModel();
    float[] rows = new float[Math.multiplyExact(neurons.size(), width)];
    try (NDManager scope = parent.newSubManager()) {
      NDArray out = model.weights().blocks().get(layer).mlpOut().weight(); // [d_model, d_mlp]
      for (int i = 0; i < neurons.size(); i++) {
        NDArray column = out.get(scope, new NDIndex(":, {}", neurons.get(i)));
        float[] values = NdArrays.floats(column.toType(DataType.FLOAT32, false));
        System.arraycopy(values, 0, rows, i * width, width);
      }
    }
    return rows;
  }
}
