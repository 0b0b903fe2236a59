package dev.loupe.gateway.analysis;

import java.util.List;

/**
 * A feature that fires on a token.
 *
 * @param feature its index in the dictionary
 * @param activation above 0
 * @param labels best first; empty when the feature store has none
 */
public record LabelledFeature(long feature, float activation, List<Label> labels) {}
