package dev.loupe.sae.publishing;

import java.util.List;

/**
 * A stretch of text in which a feature fires.
 *
 * @param tokens what its tokens stand for
 * @param values the feature's activation at each of them
 * @param peak index of the largest
 */
public record FeatureExample(List<String> tokens, List<Float> values, int peak) {}
