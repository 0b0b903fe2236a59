package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One pass through one program. Not thread-safe. */
final class ProgramRun implements HookRun {
  private final HookProgram program;
  private final PassRows rows;
  private final Map<HookPoint, NDArray> captures = new LinkedHashMap<>();

  private final Map<ActivationReader, List<NDArray>> readings = new IdentityHashMap<>();

  /** Begins a pass over these rows. */
  ProgramRun(HookProgram program, PassRows rows) {
    this.program = program;
    this.rows = rows;
  }

  @Override
  public NDArray at(HookKind kind, int layer, NDArray value) {
    HookActions actions = program.at(kind, layer);
    if (actions == null) {
      return value;
    }
    actions.inputWatchers.forEach(watcher -> watcher.accept(value));
    NDArray result = actions.edited(value, rows);
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
    if (program.hasEdits()) {
      FiniteValues.check(actions.point, result, rows);
    }
    if (actions.captured) {
      captures.put(actions.point, result);
    }
    for (ActivationReader reader : actions.readers) {
      readings.put(reader, reader.read(result, rows));
    }
    return result;
  }

  @Override
  public boolean isUsed(HookKind kind, int layer) {
    return program.at(kind, layer) != null;
  }

  @Override
  public boolean isEdited(HookKind kind, int layer) {
    HookActions actions = program.at(kind, layer);
    return actions != null && actions.changes();
  }

  @Override
  public boolean isDoneBefore(HookKind kind, int layer) {
    HookPoint last = program.lastNeeded();
    return last == null || last.compareTo(new HookPoint(kind, layer)) < 0;
  }

  @Override
  public void moveCaptures(NDManager manager) {
    captures.values().forEach(array -> array.attach(manager));
    readings.values().forEach(arrays -> arrays.forEach(array -> array.attach(manager)));
  }

  @Override
  public List<Map<HookPoint, NDArray>> captures() {
    return List.of(captures);
  }

  @Override
  public List<Map<ActivationReader, List<NDArray>>> readings() {
    return List.of(readings);
  }
}
