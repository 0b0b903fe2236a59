package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Cotangents of a batch of targets. The arrays belong to the scope that they were asked for in.
 *
 * @param sources in model order, [target, pos, ...]
 */
public record LinearCotangents(Map<HookPoint, NDArray> sources) {

  /** Takes its own copy of the map. */
  public LinearCotangents {
    sources = Collections.unmodifiableMap(new LinkedHashMap<>(sources));
  }
}
