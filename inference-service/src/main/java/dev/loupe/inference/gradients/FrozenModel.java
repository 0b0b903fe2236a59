package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;

/**
 * A model made linear around one row of tokens, after Ameisen et al. 2025 (circuit tracing):
 * attention patterns and layer-norm scales are held at their values in the row's pass, and MLPs are
 * bypassed. What linear functions of its activations depend on is then followed backwards with
 * {@link #attribute}, any number of times.
 */
public final class FrozenModel {
  private final HookedTransformer model;
  private final int length;
  private final SortedSet<HookPoint> sources;
  private final ForwardResult held;

  private FrozenModel(
      HookedTransformer model, int length, SortedSet<HookPoint> sources, ForwardResult held) {
    this.model = model;
    this.length = length;
    this.sources = sources;
    this.held = held;
  }

  /**
   * Runs a row and holds what is to be held.
   *
   * @param owner owns the patterns and scales
   * @param sources where cotangents will be wanted; at least one
   * @throws InvalidLinearAttributionException when nothing can flow to a source
   */
  public static FrozenModel of(
      HookedTransformer model,
      NDManager owner,
      int[] tokens,
      SortedSet<HookPoint> sources,
      PassControl control) {
    sources.forEach(LinearPlaces::checkSource);
    HookProgram.Builder program = HookProgram.builder(model.config());
    held(model.config().layers(), sources.first()).forEach(program::capture);
    ForwardOptions options =
        ForwardOptions.plain().with(program.build()).with(LogitsMode.NONE).with(control);
    ForwardResult pass = model.forward(owner, TokenBatch.of(tokens), options);
    return new FrozenModel(model, tokens.length, sources, pass);
  }

  /** The patterns and scales that a backward pass down to a hook point reads. */
  public static List<HookPoint> held(int layers, HookPoint first) {
    List<HookPoint> held = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      for (HookKind kind : List.of(HookKind.LN1_SCALE, HookKind.PATTERN, HookKind.LN2_SCALE)) {
        HookPoint point = HookPoint.of(kind, layer);
        if (!first.kind().isAfterBlocks() && first.layer() <= layer) {
          held.add(point);
        }
      }
    }
    held.add(HookPoint.of(HookKind.LN_FINAL_SCALE));
    return held;
  }

  /** Tokens of the row. */
  public int length() {
    return length;
  }

  /** Where cotangents are given, in model order. */
  public SortedSet<HookPoint> sources() {
    return sources;
  }

  /**
   * Follows targets backwards.
   *
   * @param scope owns the results
   * @param targets one or more
   * @return for each source the cotangents of its value: [target, pos, d_model], with a head axis
   *     where the hook point has one. At a hook point that is source and target, the target's own
   *     vector counts.
   * @throws InvalidLinearAttributionException when a target cannot be followed, or does not fit
   */
  public LinearCotangents attribute(
      NDManager scope, List<LinearTarget> targets, PassControl control) {
    targets.forEach(target -> LinearPlaces.checkTarget(model.config(), length, target));
    return new FrozenBackward(model, this, targets, control).run(scope);
  }

  /** A held pattern [h, q, k] or scale [pos, 1, 1] up to a position, in a manager. */
  NDArray held(NDManager manager, HookKind kind, int layer, int columns) {
    NDArray value = held.capture(new HookPoint(kind, layer));
    if (kind == HookKind.PATTERN) {
      return value.get(manager, new NDIndex("0, :, 0:{}, 0:{}", columns, columns));
    }
    return value.get(manager, new NDIndex("0, 0:{}", columns)).reshape(columns, 1, 1);
  }
}
