package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** What a program does at one hook point. */
final class HookActions {
  final HookPoint point;
  final List<Consumer<NDArray>> inputWatchers = new ArrayList<>();
  final List<CompiledEdit> edits = new ArrayList<>();
  final List<LiveHook> liveHooks = new ArrayList<>();
  final List<ActivationReader> readers = new ArrayList<>();
  boolean captured;

  HookActions(HookPoint point) {
    this.point = point;
  }

  boolean changes() {
    return !edits.isEmpty() || !liveHooks.isEmpty();
  }

  /** The value after all edits, in order; the given value stays as it is. */
  NDArray edited(NDArray value, PassRows rows) {
    NDArray result = value;
    for (CompiledEdit edit : edits) {
      NDArray next = edit.apply(result, rows, result != value);
      if (result != value && next != result) {
        result.close();
      }
      result = next;
    }
    return result;
  }

  boolean pullbackNeedsValue() {
    return edits.stream().anyMatch(CompiledEdit::needsValue);
  }

  /** The vector-Jacobian product of {@link #edited}. */
  NDArray pullback(NDArray value, NDArray cotangent, PassRows rows) {
    boolean needsValue = pullbackNeedsValue();
    List<NDArray> inputs = new ArrayList<>();
    NDArray input = value;
    for (CompiledEdit edit : edits) {
      inputs.add(input);
      if (needsValue) {
        input = edit.apply(input, rows, false);
      }
    }
    NDArray result = cotangent;
    for (int i = edits.size() - 1; i >= 0; i--) {
      result = edits.get(i).pullback(inputs.get(i), result, rows);
    }
    return result;
  }
}
