package dev.loupe.gateway.analysis;

import java.util.List;

/**
 * One token of a prompt.
 *
 * @param id token id
 * @param token what it stands for
 * @param features strongest first; none at position 0
 */
public record AnalyzedToken(int id, String token, List<LabelledFeature> features) {}
