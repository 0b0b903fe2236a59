package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;

/**
 * An affine map, y = x W^T + b.
 *
 * @param weight [out, in], possibly a strided view
 * @param bias [out]
 */
public record LinearWeights(NDArray weight, NDArray bias) {}
