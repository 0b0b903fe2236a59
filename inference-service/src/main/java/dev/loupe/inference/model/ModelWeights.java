package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import java.util.List;

/**
 * All weights of a model. They belong to the manager that they were created in.
 *
 * @param tokenEmbedding W_E, [d_vocab, d_model]
 * @param positionEmbedding W_pos, [n_ctx, d_model]
 * @param blocks one for each layer
 * @param lnFinal before the unembedding
 * @param unembedding W_U transposed, [d_vocab, d_model]; the token embedding itself when tied
 */
public record ModelWeights(
    NDArray tokenEmbedding,
    NDArray positionEmbedding,
    List<BlockWeights> blocks,
    LayerNormWeights lnFinal,
    NDArray unembedding) {

  /** Takes its own copy of the list. */
  public ModelWeights {
    blocks = List.copyOf(blocks);
  }
}
