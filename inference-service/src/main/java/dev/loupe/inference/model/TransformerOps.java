package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;

/**
 * The arithmetic of a transformer pass, apart from where its hook points lie. Every result belongs
 * to the manager of the activation given first; no weight and no activation is changed in place.
 */
public interface TransformerOps {

  /** Rows of a table: ids [...] and table [n, d] to [..., d]. */
  NDArray embed(NDArray ids, NDArray table);

  /** x [..., in] to [..., out]. */
  NDArray linear(NDArray x, LinearWeights weights);

  /** A whole layer norm over the last axis: ((x - mean) / sqrt(variance + epsilon)) * w + b. */
  NDArray layerNorm(NDArray x, LayerNormWeights weights, double epsilon);

  /** x minus its mean over the last axis. */
  NDArray center(NDArray x);

  /** sqrt(mean(x^2) + epsilon) over the last axis of centred x: [..., d] to [..., 1]. */
  NDArray scale(NDArray centered, double epsilon);

  /** normalized * w + b. */
  NDArray affine(NDArray normalized, LayerNormWeights weights);

  /**
   * Scaled, masked products of queries and keys.
   *
   * @param q [batch, query, head, d_head]
   * @param k [batch, key, head, d_head]
   * @param scale what the products are multiplied by
   * @param mask 0 or -inf, broadcast to [batch, head, query, key]; null for none
   * @return [batch, head, query, key]
   */
  NDArray scores(NDArray q, NDArray k, double scale, NDArray mask);

  /** Softmax over keys; a row that is wholly hidden gives zeros when {@code mayHideAll}. */
  NDArray pattern(NDArray scores, boolean mayHideAll);

  /** Values mixed by a pattern [batch, head, query, key] and v [batch, key, head, d_head]. */
  NDArray mix(NDArray pattern, NDArray v);

  /** Scores, pattern and mix in one, for passes that look at none of them. */
  NDArray attention(NDArray q, NDArray k, NDArray v, double scale, NDArray mask);

  /** The MLP's non-linearity. */
  NDArray activate(NDArray x, Activation activation);

  /** Logits: x [..., d_model] and W_U transposed [d_vocab, d_model] to [..., d_vocab]. */
  NDArray unembed(NDArray x, NDArray unembedding);
}
