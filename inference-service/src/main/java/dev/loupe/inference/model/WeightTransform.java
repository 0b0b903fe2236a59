package dev.loupe.inference.model;

/**
 * Changes weights in place while a model is loaded, one block at a time. The arrays that it is
 * given own their memory, and no two of them share any.
 */
public interface WeightTransform {

  /** Changes one block. */
  void block(BlockWeights block);

  /** Changes the embeddings, the final layer norm, the unembedding and its bias, which is there. */
  void ends(ModelWeights weights);
}
