package dev.loupe.sae.corpus;

import java.time.Instant;

/**
 * What is known of a stored corpus.
 *
 * @param id the last part of its resource name
 * @param model id of the model whose tokenizer made the ids
 * @param modelSha256 of that model's weights, lower-case hexadecimal; empty when not known
 * @param rows number of rows
 * @param tokens number of tokens
 * @param longestRow tokens in the longest row
 * @param sha256 over each row's length and ids, all as 32-bit little-endian numbers, in order
 * @param created when it was stored
 */
public record CorpusDescription(
    String id,
    String model,
    String modelSha256,
    long rows,
    long tokens,
    int longestRow,
    String sha256,
    Instant created) {}
