package dev.loupe.inference.metrics;

import ai.djl.ndarray.NDArray;

/**
 * Metrics of a batch and their gradient.
 *
 * @param values one for each row
 * @param cotangent by what the metrics were read from, in the order of their places: [place,
 *     d_model] or [place, d_vocab]
 */
public record MetricGradient(double[] values, NDArray cotangent) {}
