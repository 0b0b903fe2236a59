package dev.loupe.sae.corpus;

/**
 * What this service needs to know of a language model.
 *
 * @param id the last part of its resource name
 * @param vocabularySize number of token ids
 * @param contextSize tokens in the longest row that it accepts
 * @param dModel width of the residual stream
 * @param bosToken id of the beginning-of-text token
 * @param weightsSha256 of its weight files, lower-case hexadecimal
 */
public record ModelInfo(
    String id,
    int vocabularySize,
    int contextSize,
    int dModel,
    int bosToken,
    String weightsSha256) {}
