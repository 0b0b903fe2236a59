package dev.loupe.inference.gradients;

import dev.loupe.inference.model.ForwardResult;

/**
 * What a gradient pass gave. The arrays belong to the scope that it was called with; several may
 * share their memory, so none may be changed in place.
 *
 * @param metrics one for each row
 * @param gradients what was asked for of the gradient of the metrics' sum by the value at each hook
 *     point, after interventions, in the value's shape. Rows do not touch each other, so each row's
 *     gradient is that of its own metric.
 * @param activations what was asked for of the values themselves
 */
public record Gradients(double[] metrics, ForwardResult gradients, ForwardResult activations) {}
