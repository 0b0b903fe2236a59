package dev.loupe.inference.generation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Takes one row's part out of what a step captured, without padding.
 *
 * @param width columns of the prompts' pass
 * @param first true for the prompts' pass
 */
record StepActivations(Map<HookPoint, NDArray> captures, int width, boolean first) {

  /** The activations of a row, the batch axis 1 long. */
  Map<HookPoint, NDArray> ofRow(int row, int promptLength) {
    Map<HookPoint, NDArray> parts = new LinkedHashMap<>();
    captures.forEach((point, value) -> parts.put(point, part(point, value, row, promptLength)));
    return Collections.unmodifiableMap(parts);
  }

  private NDArray part(HookPoint point, NDArray value, int row, int promptLength) {
    int positions = first ? promptLength : 1;
    if (!point.kind().isAttentionMap()) {
      return value.get(new NDIndex("{}:{}, 0:{}", row, row + 1, positions));
    }
    NDArray queries = value.get(new NDIndex("{}:{}, :, 0:{}", row, row + 1, positions));
    NDArray own = queries.get(new NDIndex(":, :, :, 0:{}", promptLength));
    if (first) {
      return own;
    }
    if (promptLength == width) {
      return queries;
    }
    return NDArrays.concat(new NDList(own, queries.get(new NDIndex(":, :, :, {}:", width))), 3);
  }
}
