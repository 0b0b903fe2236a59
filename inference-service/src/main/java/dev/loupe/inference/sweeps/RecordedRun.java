package dev.loupe.inference.sweeps;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.Map;

/** One row of a pass, with what a sweep needs of it. */
final class RecordedRun {
  private final GptConfig config;
  private final Map<HookPoint, NDArray> captures;
  private final int row;

  RecordedRun(GptConfig config, Map<HookPoint, NDArray> captures, int row) {
    this.config = config;
    this.captures = captures;
    this.row = row;
  }

  /** A view of some positions of a captured value, [1, pos, ...]. */
  NDArray at(NDManager scope, HookKind kind, int layer, int from, int to) {
    NDArray value = captures.get(HookPoint.of(kind, layer));
    return value.get(scope, new NDIndex("{}:{}, {}:{}", row, row + 1, from, to));
  }

  /** The residual stream before a layer, or after the last, [1, pos, d_model]. */
  NDArray residual(NDManager scope, int layer, int from, int to) {
    return layer == config.layers()
        ? at(scope, HookKind.RESID_POST, layer - 1, from, to)
        : at(scope, HookKind.RESID_PRE, layer, from, to);
  }
}
