package dev.loupe.sae.publishing;

/** A feature with a similar decoder direction, and the cosine between the two. */
public record FeatureNeighbour(int feature, float cosine) {}
