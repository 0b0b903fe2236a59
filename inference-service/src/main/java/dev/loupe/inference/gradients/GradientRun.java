package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.HookRun;
import dev.loupe.inference.model.hooks.PassRows;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * One backward pass over the hook points: keeps the gradients that were asked for, and takes
 * cotangents back through the interventions. Not thread-safe.
 */
final class GradientRun {
  private final HookPoint first;
  private final HookRun recorder;
  private final HookProgram program;
  private final PassRows rows;
  private final Map<HookPoint, NDArray> captures;
  private final Map<HookPoint, NDArray> inputs;
  private NDManager scope;

  /**
   * Begins a pass.
   *
   * @param asked what is to be kept of gradients; at least one point
   * @param program the interventions
   * @param captures what the forward pass kept: values after interventions
   * @param inputs values before interventions, where those are needed
   */
  GradientRun(
      HookProgram asked,
      HookProgram program,
      PassRows rows,
      Map<HookPoint, NDArray> captures,
      Map<HookPoint, NDArray> inputs) {
    this.first = first(asked);
    this.recorder = HookRun.of(asked, rows);
    this.program = program;
    this.rows = rows;
    this.captures = captures;
    this.inputs = inputs;
  }

  /**
   * Passes a hook point on the way back.
   *
   * @param cotangent of the value after the interventions
   * @return the cotangent of the value before them
   */
  NDArray at(HookKind kind, int layer, NDArray cotangent) {
    HookPoint point = new HookPoint(kind, layer);
    recorder.at(kind, layer, cotangent);
    return program.edits(point)
        ? program.pullback(point, inputOf(point), cotangent, rows)
        : cotangent;
  }

  /** A view of the value before the interventions; null where nobody needs it. */
  private NDArray inputOf(HookPoint point) {
    NDArray value = inputs.get(point);
    return value == null ? null : value.get(scope, new NDIndex(":"));
  }

  /** True when somebody reads the gradient here, or an intervention lies here. */
  boolean isUsed(HookKind kind, int layer) {
    return recorder.isUsed(kind, layer) || isEdited(kind, layer);
  }

  /** True when an intervention lies here. */
  boolean isEdited(HookKind kind, int layer) {
    return program.edits(new HookPoint(kind, layer));
  }

  /** True when no gradient is asked for at any earlier hook point. */
  boolean isDoneAt(HookKind kind, int layer) {
    return first.compareTo(new HookPoint(kind, layer)) >= 0;
  }

  /** Lets what is computed from kept values belong to a manager from now on. */
  void useScope(NDManager manager) {
    scope = manager;
  }

  /** A view of what the forward pass kept at a hook point, after the interventions. */
  NDArray kept(HookKind kind, int layer) {
    HookPoint point = new HookPoint(kind, layer);
    NDArray value = captures.get(point);
    if (value == null) {
      throw new IllegalStateException(point + " was not kept");
    }
    return value.get(scope, new NDIndex(":"));
  }

  /** A view of what the forward pass kept at a hook point, before the interventions. */
  NDArray keptBefore(HookKind kind, int layer) {
    NDArray value = inputOf(new HookPoint(kind, layer));
    return value == null ? kept(kind, layer) : value;
  }

  /** Frees what the forward pass kept in a layer, once the backward pass has left it. */
  void release(int layer, Set<NDArray> wanted) {
    captures.forEach(
        (point, value) -> {
          if (point.layer() == layer && !wanted.contains(value)) {
            value.close();
          }
        });
    inputs.forEach(
        (point, value) -> {
          if (point.layer() == layer) {
            value.close();
          }
        });
  }

  /** Hands the gradients to a manager, so that they outlive the arrays around them. */
  void moveGradients(NDManager manager) {
    recorder.moveCaptures(manager);
  }

  /** What was kept of gradients, in model order. */
  ForwardResult gradients() {
    return new ForwardResult(
        Optional.empty(), new TreeMap<>(recorder.captures().get(0)), recorder.readings().get(0));
  }

  /** The earliest hook point that a program reads. */
  static HookPoint first(HookProgram asked) {
    return Collections.min(asked.points());
  }
}
