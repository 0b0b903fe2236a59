package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.GptConfig;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What happens at the hook points of a pass, compiled once: at each point the interventions in the
 * order given, then live hooks, then the capture. It is immutable and may be used by many passes at
 * once.
 */
public final class HookProgram {
  private final HookActions[][] actions;
  private final HookPoint lastNeeded;
  private final boolean edits;

  private HookProgram(HookActions[][] actions, HookPoint lastNeeded, boolean edits) {
    this.actions = actions;
    this.lastNeeded = lastNeeded;
    this.edits = edits;
  }

  /** A program that does nothing. */
  public static HookProgram none() {
    return new HookProgram(new HookActions[0][], null, false);
  }

  /** Starts a program for models of this shape. */
  public static Builder builder(GptConfig config) {
    return new Builder(config);
  }

  /** What is done at a point, or null. */
  HookActions at(HookKind kind, int layer) {
    if (actions.length == 0) {
      return null;
    }
    HookActions[] ofLayer = actions[layer + 1];
    return ofLayer == null ? null : ofLayer[kind.ordinal()];
  }

  /** The last point whose value somebody reads, or null when nobody does. */
  HookPoint lastNeeded() {
    return lastNeeded;
  }

  /** True when interventions or live hooks may change something somewhere. */
  boolean hasEdits() {
    return edits;
  }

  /** The points at which something happens, in no order. */
  public List<HookPoint> points() {
    return actions().map(of -> of.point).toList();
  }

  /** True when the value at a point may be changed. */
  public boolean edits(HookPoint point) {
    HookActions of = at(point.kind(), point.layer());
    return of != null && of.changes();
  }

  /** What reads the value at a point. */
  public List<ActivationReader> readers(HookPoint point) {
    HookActions of = at(point.kind(), point.layer());
    return of == null ? List.of() : Collections.unmodifiableList(of.readers);
  }

  /** True when the value at a point is kept. */
  public boolean captures(HookPoint point) {
    HookActions of = at(point.kind(), point.layer());
    return of != null && of.captured;
  }

  /**
   * True when other rows in the same pass cost little more for what this program does: it waits for
   * nobody, needs no copy of the residual stream for each head, and nothing after the last block.
   */
  public boolean isShareable() {
    return actions()
        .allMatch(
            of ->
                of.liveHooks.isEmpty()
                    && !of.point.kind().isPerHeadResidual()
                    && !of.point.kind().isAfterBlocks());
  }

  /** How many of a model's blocks run before the last value that somebody reads is there. */
  public int blocksNeeded(int layers) {
    if (lastNeeded == null) {
      return 0;
    }
    return lastNeeded.kind().isAfterBlocks() ? layers : lastNeeded.layer() + 1;
  }

  /**
   * Looks whether the rows of a pass have the positions and rows that the interventions name, also
   * those at points that the pass does not reach.
   *
   * @throws InvalidInterventionException when they have not
   */
  public void check(PassRows rows) {
    actions().forEach(of -> of.edits.forEach(edit -> edit.check(rows)));
  }

  /** True when {@link #pullback} at a point looks at the value there. */
  public boolean pullbackNeedsValue(HookPoint point) {
    HookActions of = at(point.kind(), point.layer());
    return of != null && of.pullbackNeedsValue();
  }

  /**
   * The vector-Jacobian product of all interventions at a point: how a metric changes with the
   * value before them, given how it changes with the value after them.
   *
   * @param value the value before the interventions; null unless {@link #pullbackNeedsValue}
   * @param cotangent in the value's shape; not changed
   * @param rows of the pass
   * @return a new array of the cotangent's manager, or the cotangent itself where nothing is edited
   */
  public NDArray pullback(HookPoint point, NDArray value, NDArray cotangent, PassRows rows) {
    HookActions of = at(point.kind(), point.layer());
    return of == null ? cotangent : of.pullback(value, cotangent, rows);
  }

  private Stream<HookActions> actions() {
    return Arrays.stream(actions)
        .filter(Objects::nonNull)
        .flatMap(Arrays::stream)
        .filter(Objects::nonNull);
  }

  /** Collects what a program does. */
  public static final class Builder {
    private final GptConfig config;
    private final HookActions[][] actions;
    private HookPoint lastNeeded;
    private final Map<Edit, BoxEdit> made = new IdentityHashMap<>();
    private boolean empty = true;
    private boolean edits;

    private Builder(GptConfig config) {
      this.config = config;
      this.actions = new HookActions[config.layers() + 1][];
    }

    /** Keeps the value at a point. */
    public Builder capture(HookPoint point) {
      actions(point).captured = true;
      needed(point);
      return this;
    }

    /** Keeps what a reader makes of the value at a point. */
    public Builder read(HookPoint point, ActivationReader reader) {
      actions(point).readers.add(reader);
      needed(point);
      return this;
    }

    /**
     * Changes the value at a point; later interventions at the same point see the change.
     *
     * @throws InvalidInterventionException when it does not fit the hook point, naming the field
     */
    public Builder intervene(Intervention intervention) {
      actions(intervention.point()).edits.add(CompiledEdit.of(config, intervention, made));
      edits = true;
      return this;
    }

    /**
     * Shows the value at a point before its interventions.
     *
     * @param watcher may keep a view of the value, and must not change it
     */
    public Builder watchInput(HookPoint point, Consumer<NDArray> watcher) {
      actions(point).inputWatchers.add(watcher);
      return this;
    }

    /** Calls code at a point. */
    public Builder live(HookPoint point, LiveHook hook) {
      actions(point).liveHooks.add(hook);
      edits = true;
      needed(point);
      return this;
    }

    /** The finished program. */
    public HookProgram build() {
      return empty ? none() : new HookProgram(actions.clone(), lastNeeded, edits);
    }

    private HookActions actions(HookPoint point) {
      if (point.layer() >= config.layers()) {
        throw new IllegalArgumentException(
            point + " lies outside the model's " + config.layers() + " layers");
      }
      empty = false;
      int slot = point.layer() + 1;
      if (actions[slot] == null) {
        actions[slot] = new HookActions[HookKind.values().length];
      }
      int kind = point.kind().ordinal();
      if (actions[slot][kind] == null) {
        actions[slot][kind] = new HookActions(point);
      }
      return actions[slot][kind];
    }

    private void needed(HookPoint point) {
      if (lastNeeded == null || point.compareTo(lastNeeded) > 0) {
        lastNeeded = point;
      }
    }
  }
}
