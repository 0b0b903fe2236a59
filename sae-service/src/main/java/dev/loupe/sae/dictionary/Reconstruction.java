package dev.loupe.sae.dictionary;

/**
 * Activations as a dictionary sees them.
 *
 * @param features active features of each row
 * @param values the reconstruction, {@code [rows, d_in]}
 */
public record Reconstruction(SparseFeatures features, FloatRows values) {}
