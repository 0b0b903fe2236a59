package dev.loupe.standalone.client;

/**
 * A label to store.
 *
 * @param text what the feature means
 * @param score how well it fits, in [0, 1]
 */
public record ConceptLabel(int feature, String text, double score) {}
