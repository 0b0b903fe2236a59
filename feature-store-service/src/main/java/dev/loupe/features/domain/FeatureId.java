package dev.loupe.features.domain;

/**
 * Identifies a feature: the dictionary that it belongs to and its index there, 0 or more.
 *
 * @param dictionary the dictionary's id, without the collection
 * @param index index of the feature in the dictionary
 */
public record FeatureId(String dictionary, long index) {}
