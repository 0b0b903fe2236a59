package dev.loupe.gateway.analysis;

/**
 * A token that may come next.
 *
 * @param id token id
 * @param token what it stands for
 * @param logit raw logit
 * @param probability in [0, 1]
 */
public record Prediction(int id, String token, float logit, float probability) {}
