package dev.loupe.inference.gradients;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Which values the backward pass reads, so that the forward pass keeps those and no others: for
 * each layer that it goes through, what its layer norms, its attention and its non-linearity read.
 * Normalised values, scores and patterns are made again, unless an intervention changed them.
 */
public final class KeptActivations {
  private final HookPoint first;
  private final HookProgram edits;
  private final SortedSet<HookPoint> kept = new TreeSet<>();

  private KeptActivations(HookPoint first, HookProgram edits) {
    this.first = first;
    this.edits = edits;
  }

  /**
   * The hook points whose values are kept.
   *
   * @param first the earliest hook point whose gradient is asked for
   * @param edits the interventions of the pass
   */
  public static SortedSet<HookPoint> of(GptConfig config, HookPoint first, HookProgram edits) {
    KeptActivations activations = new KeptActivations(first, edits);
    for (int layer = 0; layer < config.layers(); layer++) {
      activations.block(layer);
    }
    activations.end(config.layers() - 1);
    return activations.kept;
  }

  private void block(int layer) {
    if (goesThrough(HookKind.MLP_POST, layer)) {
      keep(HookKind.MLP_PRE, layer);
    }
    if (goesThrough(HookKind.LN2_OUT, layer)) {
      keep(HookKind.RESID_MID, layer);
      keepEdited(HookKind.MLP_IN, layer);
      keepEdited(HookKind.LN2_SCALE, layer);
    }
    if (goesThrough(HookKind.Z, layer)) {
      keep(HookKind.Q, layer);
      keep(HookKind.K, layer);
      keep(HookKind.V, layer);
      if (isEdited(HookKind.ATTN_SCORES, layer) || isEdited(HookKind.PATTERN, layer)) {
        keep(HookKind.PATTERN, layer);
      }
    }
    if (goesThrough(HookKind.Q, layer)) {
      keep(HookKind.RESID_PRE, layer);
      keepEdited(HookKind.LN1_IN, layer);
      keepEdited(HookKind.LN1_SCALE, layer);
      if (HeadInputs.areEdited(edits, layer)) {
        keep(HookKind.Q_INPUT, layer);
        keep(HookKind.K_INPUT, layer);
        keep(HookKind.V_INPUT, layer);
      }
    }
  }

  private void end(int lastLayer) {
    if (goesThrough(HookKind.UNEMBED_IN, -1)) {
      keep(HookKind.RESID_POST, lastLayer);
      keepEdited(HookKind.LN_FINAL_SCALE, -1);
    }
    keep(isEdited(HookKind.UNEMBED_OUT, -1) ? HookKind.UNEMBED_OUT : HookKind.UNEMBED_IN, -1);
  }

  private boolean goesThrough(HookKind kind, int layer) {
    return first.compareTo(new HookPoint(kind, layer)) < 0;
  }

  private boolean isEdited(HookKind kind, int layer) {
    return edits.edits(new HookPoint(kind, layer));
  }

  private void keepEdited(HookKind kind, int layer) {
    if (isEdited(kind, layer)) {
      keep(kind, layer);
    }
  }

  private void keep(HookKind kind, int layer) {
    kept.add(new HookPoint(kind, layer));
  }
}
