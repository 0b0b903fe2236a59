package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.LinkedHashMap;
import java.util.Map;

/** One pass through a program: applies it as the pass reaches the hook points. Not thread-safe. */
public final class HookRun {
  private final HookProgram program;
  private final PassRows rows;
  private final Map<HookPoint, NDArray> captures = new LinkedHashMap<>();

  /** Begins a pass over these rows. */
  public HookRun(HookProgram program, PassRows rows) {
    this.program = program;
    this.rows = rows;
  }

  /** The value to go on with at a hook point outside the blocks. */
  public NDArray at(HookKind kind, NDArray value) {
    return at(kind, -1, value);
  }

  /** The value to go on with at a hook point: edited, shown to live hooks, then captured. */
  public NDArray at(HookKind kind, int layer, NDArray value) {
    HookActions actions = program.at(kind, layer);
    if (actions == null) {
      return value;
    }
    NDArray result = value;
    for (CompiledEdit edit : actions.edits) {
      result = edit.apply(result, rows);
    }
    for (LiveHook hook : actions.liveHooks) {
      NDArray replacement = hook.onActivation(actions.point, result);
      if (!replacement.getShape().equals(result.getShape())) {
        throw new InvalidInterventionException(
            InvalidInterventionException.Kind.WRONG_SHAPE,
            "replacement",
            "the replacement at %s has shape %s; expected %s"
                .formatted(actions.point, replacement.getShape(), result.getShape()));
      }
      result = replacement;
    }
    if (actions.captured) {
      captures.put(actions.point, result);
    }
    return result;
  }

  /** True when something happens at the hook point. */
  public boolean isUsed(HookKind kind, int layer) {
    return program.at(kind, layer) != null;
  }

  /** True when the value at the hook point may be changed. */
  public boolean isEdited(HookKind kind, int layer) {
    HookActions actions = program.at(kind, layer);
    return actions != null && actions.changes();
  }

  /** True when no hook point from this one on is read by anybody. */
  public boolean isDoneBefore(HookKind kind, int layer) {
    HookPoint last = program.lastNeeded();
    return last == null || last.compareTo(new HookPoint(kind, layer)) < 0;
  }

  /** Hands the captured arrays to a manager, so that they outlive the arrays around them. */
  public void moveCaptures(NDManager manager) {
    captures.values().forEach(array -> array.attach(manager));
  }

  /** What was captured so far, in model order. */
  public Map<HookPoint, NDArray> captures() {
    return captures;
  }
}
