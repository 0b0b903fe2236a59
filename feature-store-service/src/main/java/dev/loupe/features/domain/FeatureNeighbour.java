package dev.loupe.features.domain;

/**
 * A feature with a similar decoder direction.
 *
 * @param index index of the other feature in the same dictionary
 * @param cosine cosine of the two decoder directions, in [-1, 1]
 */
public record FeatureNeighbour(long index, float cosine) {}
