package dev.loupe.inference.analysis;

/**
 * A token with the model's belief in it.
 *
 * @param id token id
 * @param logit before the softmax
 * @param probability softmax over the whole vocabulary
 */
public record TokenScore(int id, float logit, float probability) {}
