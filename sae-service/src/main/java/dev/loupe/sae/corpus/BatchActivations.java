package dev.loupe.sae.corpus;

import dev.loupe.sae.dictionary.FloatRows;

/**
 * A hook point's activations over a batch.
 *
 * @param batch the tokens that were run
 * @param rows one for each token but position 0 of each row of tokens, in order, {@code [rows,
 *     d_in]}
 */
public record BatchActivations(TokenBatch batch, FloatRows rows) {}
