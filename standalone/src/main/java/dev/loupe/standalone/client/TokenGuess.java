package dev.loupe.standalone.client;

/**
 * A token with a model's belief in it.
 *
 * @param logit raw logit
 * @param probability softmax over the whole vocabulary
 */
public record TokenGuess(int id, String token, double logit, double probability) {}
