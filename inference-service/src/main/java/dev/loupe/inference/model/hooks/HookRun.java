package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.Map;

/** Applies programs as a pass reaches the hook points. Belongs to one pass. */
public sealed interface HookRun permits ProgramRun, SharedRun {

  /** A run of one program over all rows of a pass. */
  static HookRun of(HookProgram program, PassRows rows) {
    return new ProgramRun(program, rows);
  }

  /**
   * A run of several programs, each over rows of its own, one below the other. Each sees its rows
   * as if it were alone: no other rows, and no more columns than its longest row has.
   */
  static HookRun shared(List<HookProgram> programs, List<PassRows> rows) {
    return programs.size() == 1 ? of(programs.get(0), rows.get(0)) : new SharedRun(programs, rows);
  }

  /** The value to go on with at a hook point: edited, shown to live hooks, then captured. */
  NDArray at(HookKind kind, int layer, NDArray value);

  /** The value to go on with at a hook point outside the blocks. */
  default NDArray at(HookKind kind, NDArray value) {
    return at(kind, -1, value);
  }

  /** True when something happens at the hook point. */
  boolean isUsed(HookKind kind, int layer);

  /** True when the value at the hook point may be changed. */
  boolean isEdited(HookKind kind, int layer);

  /** True when no hook point from this one on is read by anybody. */
  boolean isDoneBefore(HookKind kind, int layer);

  /** Hands the captured arrays to a manager, so that they outlive the arrays around them. */
  void moveCaptures(NDManager manager);

  /** What was captured so far, in model order, program by program. */
  List<Map<HookPoint, NDArray>> captures();

  /** What readers kept so far, program by program; keys are compared by identity. */
  List<Map<ActivationReader, List<NDArray>>> readings();
}
