package dev.loupe.inference.neurons;

/** A table with a vector of the residual stream for each token. */
public enum EmbeddingTable {
  /** W_E. */
  TOKEN,
  /** W_U, one column for each token. */
  UNEMBEDDING
}
