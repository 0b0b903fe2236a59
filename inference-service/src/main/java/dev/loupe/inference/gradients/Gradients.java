package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a gradient pass gave. The arrays belong to the scope that it was called with; several may
 * share their memory, so none may be changed in place.
 *
 * @param metrics one for each row
 * @param gradients of the metrics' sum by the value at each asked hook point, after interventions;
 *     in model order, in the shapes of the values. Rows do not touch each other, so each row's
 *     gradient is that of its own metric.
 * @param activations the values at the captured hook points
 */
public record Gradients(
    double[] metrics, Map<HookPoint, NDArray> gradients, Map<HookPoint, NDArray> activations) {

  /** Takes its own copies of the maps. */
  public Gradients {
    gradients = Collections.unmodifiableMap(new LinkedHashMap<>(gradients));
    activations = Collections.unmodifiableMap(new LinkedHashMap<>(activations));
  }
}
