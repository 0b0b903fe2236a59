package dev.loupe.features.domain;

/**
 * What a feature does to a token's logit.
 *
 * @param id token id
 * @param token its text
 * @param logit added to its logit by one unit of the feature
 */
public record TokenEffect(int id, String token, float logit) {}
