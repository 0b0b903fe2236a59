package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.hooks.ActivationReader;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a pass gave. The arrays belong to the scope that the pass was called with.
 *
 * @param logits [batch, pos, d_vocab]; empty when they were not asked for
 * @param captures the values at the captured hook points, in model order
 * @param readings what readers kept; keys are compared by identity
 */
public record ForwardResult(
    Optional<NDArray> logits,
    Map<HookPoint, NDArray> captures,
    Map<ActivationReader, List<NDArray>> readings) {

  /** Takes its own copy of the captures. */
  public ForwardResult {
    captures = Collections.unmodifiableMap(new LinkedHashMap<>(captures));
    readings = Collections.unmodifiableMap(readings);
  }

  /**
   * The logits, [batch, pos, d_vocab].
   *
   * @throws IllegalStateException when they were not asked for
   */
  public NDArray requireLogits() {
    return logits.orElseThrow(() -> new IllegalStateException("the pass did not make logits"));
  }

  /**
   * What a reader kept.
   *
   * @throws IllegalArgumentException when the pass's program does not have the reader
   */
  public List<NDArray> reading(ActivationReader reader) {
    List<NDArray> arrays = readings.get(reader);
    if (arrays == null) {
      throw new IllegalArgumentException("the pass had no such reader");
    }
    return arrays;
  }

  /**
   * A captured value.
   *
   * @throws IllegalArgumentException when the hook point was not captured
   */
  public NDArray capture(HookPoint point) {
    NDArray value = captures.get(point);
    if (value == null) {
      throw new IllegalArgumentException(point + " was not captured");
    }
    return value;
  }
}
