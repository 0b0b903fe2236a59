package dev.loupe.features.domain;

/**
 * What a feature means, according to someone.
 *
 * @param name unique among the feature's labels
 * @param text the meaning
 * @param source who says so
 * @param score how well it fits, in [0, 1]
 */
public record FeatureLabel(String name, String text, String source, double score) {}
