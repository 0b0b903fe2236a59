package dev.loupe.inference.gradients;

import dev.loupe.inference.gradients.InvalidLinearAttributionException.Kind;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.List;

/** Which hook points a model with frozen attention and layer norms can be entered and read at. */
public final class LinearPlaces {
  private LinearPlaces() {}

  /**
   * Checks where cotangents are wanted.
   *
   * @throws InvalidLinearAttributionException when nothing can flow there
   */
  public static void checkSource(HookPoint point) {
    String reason =
        switch (point.kind()) {
          case LN1_SCALE, LN2_SCALE, LN_FINAL_SCALE -> "the layer norms' scales are held";
          case Q_IN, K_IN, Q, K, ATTN_SCORES, PATTERN -> "the attention patterns are held";
          case MLP_PRE -> "the MLPs are bypassed";
          case ATTN_IN, Q_INPUT, K_INPUT, V_INPUT ->
              "heads are not told apart before the values; ask for attn.hook_v or attn.hook_in";
          case UNEMBED_OUT -> "nothing lies behind the logits";
          default -> null;
        };
    refuse("source", point, reason);
  }

  /**
   * Checks a target.
   *
   * @param length tokens of the row
   * @throws InvalidLinearAttributionException when it cannot be followed, or does not fit
   */
  public static void checkTarget(GptConfig config, int length, LinearTarget target) {
    checkTarget(target.point());
    if (target.position() < 0 || target.position() >= length) {
      throw new InvalidLinearAttributionException(
          Kind.POSITION,
          "position is %d; expected 0 to %d".formatted(target.position(), length - 1));
    }
    int width = width(config, target.point());
    if (target.vector().length != width) {
      throw new InvalidLinearAttributionException(
          Kind.WRONG_SHAPE,
          "a vector has %d values; expected %d, the last axis of %s"
              .formatted(target.vector().length, width, target.point()));
    }
  }

  /**
   * Checks where a target lies.
   *
   * @throws InvalidLinearAttributionException when it cannot be followed from there
   */
  public static void checkTarget(HookPoint point) {
    String reason =
        switch (point.kind()) {
          case LN1_SCALE, LN2_SCALE, LN_FINAL_SCALE -> "the layer norms' scales are held";
          case MLP_POST -> "the MLPs are bypassed; put it in at mlp.hook_pre or mlp.hook_in";
          default -> point.kind().headAxis() >= 0 ? "it has a head axis" : null;
        };
    refuse("target", point, reason);
  }

  /** Length of the last axis. */
  public static int width(GptConfig config, HookPoint point) {
    List<HookAxis> axes = point.kind().axes();
    return axes.get(axes.size() - 1).size(config);
  }

  private static void refuse(String what, HookPoint point, String reason) {
    if (reason != null) {
      throw new InvalidLinearAttributionException(
          Kind.HOOK_POINT,
          "%s can be no %s of a linear attribution: %s".formatted(point, what, reason));
    }
  }
}
