package dev.loupe.inference.gradients;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/** The hook points at which each head of a block has an input of its own. */
final class HeadInputs {
  static final List<HookKind> KINDS =
      Arrays.stream(HookKind.values()).filter(HookKind::isHeadInput).toList();

  private static final List<HookKind> SHARED =
      Arrays.stream(HookKind.values()).filter(HookKind::isSharedHeadInput).toList();

  private HeadInputs() {}

  /** True when the heads of a layer do not all read the residual stream itself. */
  static boolean areEdited(HookProgram edits, int layer) {
    return KINDS.stream().anyMatch(kind -> edits.edits(new HookPoint(kind, layer)));
  }

  /**
   * Where the heads have layer norms of their own, nothing depends on ln1; and where ln1 is edited,
   * heads have no layer norms of their own.
   *
   * @throws IncompatibleGradientException when a gradient is asked for on the other side
   */
  static void check(GptConfig config, HookProgram edits, Collection<HookPoint> asked) {
    for (int layer = 0; layer < config.layers(); layer++) {
      check(layer, KINDS, SHARED, edits, asked);
      check(layer, SHARED, KINDS, edits, asked);
    }
  }

  private static void check(
      int layer,
      List<HookKind> edited,
      List<HookKind> wanted,
      HookProgram edits,
      Collection<HookPoint> asked) {
    for (HookKind kind : edited) {
      HookPoint edit = new HookPoint(kind, layer);
      for (HookKind other : wanted) {
        HookPoint gradient = new HookPoint(other, layer);
        if (edits.edits(edit) && asked.contains(gradient)) {
          throw new IncompatibleGradientException(gradient, edit);
        }
      }
    }
  }
}
