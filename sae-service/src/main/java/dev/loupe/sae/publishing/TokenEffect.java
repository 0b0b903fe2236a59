package dev.loupe.sae.publishing;

/**
 * What a direction does to a token's logit.
 *
 * @param id of the token
 * @param token what it stands for
 * @param logit per unit of the direction
 */
public record TokenEffect(int id, String token, float logit) {}
