package dev.loupe.inference.model;

/**
 * The weights of one transformer block.
 *
 * @param ln1 before the attention
 * @param qkv queries, keys and values at once, [3 * d_model, d_model]; heads are contiguous in each
 * @param attentionOut W_O of all heads, [d_model, d_model]
 * @param ln2 before the MLP
 * @param mlpIn [d_mlp, d_model]
 * @param mlpOut [d_model, d_mlp]
 */
public record BlockWeights(
    LayerNormWeights ln1,
    LinearWeights qkv,
    LinearWeights attentionOut,
    LayerNormWeights ln2,
    LinearWeights mlpIn,
    LinearWeights mlpOut) {}
