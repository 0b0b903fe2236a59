package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import java.util.List;
import java.util.Optional;

/**
 * The arithmetic of a transformer pass, apart from where its hook points lie. Every result belongs
 * to the manager of the activation given first; no weight and no activation is changed in place.
 */
public interface TransformerOps extends AutoCloseable {

  /** Rows of a table: ids [...] and table [n, d] to [..., d]. */
  NDArray embed(NDArray ids, NDArray table);

  /** x [..., in] to [..., out]. */
  NDArray linear(NDArray x, LinearWeights weights);

  /** x [b, p, in] to an activation of its linear map, [b, p, out]. */
  default NDArray linearActivated(NDArray x, LinearWeights weights, Activation activation) {
    return activate(linear(x, weights), activation);
  }

  /** residual [b, p, out] plus the linear map of x [b, p, in]. */
  default NDArray linearPlus(NDArray residual, NDArray x, LinearWeights weights) {
    return residual.add(linear(x, weights));
  }

  /** x [b, p, d_model] to queries, keys and values, [b, p, head, d_head] each. */
  default List<NDArray> queriesKeysValues(NDArray x, LinearWeights weights, int heads) {
    return linear(x, weights).split(3, 2).stream()
        .map(part -> part.reshape(part.getShape().get(0), part.getShape().get(1), heads, -1))
        .toList();
  }

  /**
   * A whole block without a hook point inside, from residual stream to residual stream, where these
   * operations can do it in one; empty otherwise.
   *
   * @param x [b, p, d_model]
   * @param cache extended by the block's keys and values; may be null
   */
  default Optional<NDArray> block(
      NDArray x,
      BlockWeights weights,
      GptConfig config,
      int layer,
      AttentionMask mask,
      KvCache cache) {
    return Optional.empty();
  }

  /**
   * Writes fresh [b, p, h, d_head] behind the slots of a store [b, capacity, h, d_head] that are in
   * use, and gives the store up to its end, in the scope of what is fresh.
   */
  default NDArray extend(NDArray store, NDArray fresh, int slot) {
    long end = slot + fresh.getShape().get(1);
    store.set(new NDIndex(":, {}:{}", slot, end), fresh);
    return store.get(fresh.getManager(), new NDIndex(":, 0:{}", end));
  }

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

  /** The same under the mask of a pass. */
  default NDArray attention(NDArray q, NDArray k, NDArray v, double scale, AttentionMask mask) {
    return attention(q, k, v, scale, mask.array());
  }

  /** The MLP's non-linearity. */
  NDArray activate(NDArray x, Activation activation);

  /** Logits: x [..., d_model] and W_U transposed [d_vocab, d_model] to [..., d_vocab]. */
  NDArray unembed(NDArray x, NDArray unembedding);

  /** Frees what these operations hold beyond the model's weights. */
  @Override
  default void close() {}
}
