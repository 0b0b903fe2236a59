package dev.loupe.inference.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;

/**
 * A layer's attention weights as stored, head by head; each is [head, d_head, d_model].
 *
 * @param q W_Q transposed
 * @param k W_K transposed
 * @param v W_V transposed
 * @param o W_O
 */
record HeadWeights(NDArray q, NDArray k, NDArray v, NDArray o) {

  /** The weights of a layer, as arrays of a scope. */
  static HeadWeights of(NDManager scope, HookedTransformer model, int layer) {
    GptConfig config = model.config();
    int heads = config.heads();
    BlockWeights block = model.weights().blocks().get(layer);
    NDArray qkv =
        inScope(scope, block.qkv().weight()).reshape(3, heads, config.dHead(), config.dModel());
    NDArray out = inScope(scope, block.attentionOut().weight()).transpose(); // [h * d_head, d]
    return new HeadWeights(
        qkv.get(0), qkv.get(1), qkv.get(2), out.reshape(heads, config.dHead(), config.dModel()));
  }

  /** A view of a weight whose derived arrays belong to the scope. */
  static NDArray inScope(NDManager scope, NDArray weight) {
    return weight.get(scope, new NDIndex(":"));
  }
}
