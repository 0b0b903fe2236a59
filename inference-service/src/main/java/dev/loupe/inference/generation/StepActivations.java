package dev.loupe.inference.generation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Takes one row's part out of what a step captured, without padding.
 *
 * @param made new tokens that were run so far, this pass's with them; 0 for the prompts' pass
 */
record StepActivations(Map<HookPoint, NDArray> captures, int made) {

  /** The activations of a row, the batch axis 1 long. */
  Map<HookPoint, NDArray> ofRow(int row, int promptLength) {
    Map<HookPoint, NDArray> parts = new LinkedHashMap<>();
    captures.forEach((point, value) -> parts.put(point, part(point, value, row, promptLength)));
    return Collections.unmodifiableMap(parts);
  }

  private NDArray part(HookPoint point, NDArray value, int row, int promptLength) {
    int positions = made == 0 ? promptLength : 1;
    if (!point.kind().isAttentionMap()) {
      return value.get(new NDIndex("{}:{}, 0:{}", row, row + 1, positions));
    }
    int keys = promptLength + made;
    return value.get(new NDIndex("{}:{}, :, 0:{}, 0:{}", row, row + 1, positions, keys));
  }
}
