package dev.loupe.features.domain;

/**
 * A label and the feature that it belongs to.
 *
 * @param feature index of the feature in its dictionary
 * @param label the label
 */
public record LabelEntry(long feature, FeatureLabel label) {}
