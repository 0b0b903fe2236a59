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
 * @param unembeddingBias b_U, [d_vocab]; null when there is none, as in every model that is not
 *     processed
 */
public record ModelWeights(
    NDArray tokenEmbedding,
    NDArray positionEmbedding,
    List<BlockWeights> blocks,
    LayerNormWeights lnFinal,
    NDArray unembedding,
    NDArray unembeddingBias) {

  /** Takes its own copy of the list. */
  public ModelWeights {
    blocks = List.copyOf(blocks);
  }

  /** Weights without an unembedding bias, as files hold them. */
  public ModelWeights(
      NDArray tokenEmbedding,
      NDArray positionEmbedding,
      List<BlockWeights> blocks,
      LayerNormWeights lnFinal,
      NDArray unembedding) {
    this(tokenEmbedding, positionEmbedding, blocks, lnFinal, unembedding, null);
  }
}
