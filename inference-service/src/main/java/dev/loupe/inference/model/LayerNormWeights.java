package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;

/**
 * What a layer norm multiplies by and adds after normalising.
 *
 * @param weight [d_model]
 * @param bias [d_model]
 */
public record LayerNormWeights(NDArray weight, NDArray bias) {}
