package dev.loupe.inference.gradients;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.hooks.ActivationReader;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.scheduling.PassCost;
import java.util.List;
import java.util.SortedSet;

/**
 * What gradients will take, predicted from shapes alone, on the high side: what the forward pass
 * keeps, what is asked for, and the way back through the layer that takes most.
 */
public final class GradientCost {
  private static final long FLOAT = 4;

  /** The residual stream's cotangents and a layer norm's intermediate values. */
  private static final double RESIDUAL_VALUES = 24;

  private static final double MLP_VALUES = 12;
  private static final double MAP_VALUES = 8;

  /** The inputs' cotangents before they are kept or reduced, by queries, keys, values and all. */
  private static final double HEAD_INPUT_VALUES = 5;

  /** The same where inputs are edited: each head has three layer norms of its own. */
  private static final double EDITED_HEAD_INPUT_VALUES = 36;

  /** Weights of queries, keys and values without what ln1 takes away, and a product's copy. */
  private static final double HEAD_INPUT_WEIGHTS = 6;

  /** Places whose logits are made at once, and how often their size is taken. */
  private static final double LOGITS = 5 * 64;

  private GradientCost() {}

  /**
   * The cost of {@link GradientPass}.
   *
   * @param program interventions and activations
   * @param asked what is kept of gradients
   */
  public static PassCost of(
      GptConfig config, int rows, int width, HookProgram program, HookProgram asked) {
    SortedSet<HookPoint> kept = KeptActivations.of(config, GradientRun.first(asked), program);
    double tokens = (double) rows * width;
    double values = LOGITS * config.vocabularySize();
    for (HookPoint point : kept) {
      values += PassCost.elements(config, point, rows, width);
    }
    boolean ofHeads = false;
    for (HookPoint point : asked.points()) {
      double elements = PassCost.elements(config, point, rows, width);
      values += asked.captures(point) ? elements : 0;
      for (ActivationReader reader : asked.readers(point)) {
        values += reader.elements(rows, width);
      }
      values += point.kind() == HookKind.UNEMBED_OUT ? 2 * elements : 0;
      ofHeads |= point.kind().isPerHeadResidual();
    }
    boolean logitsEdited = program.edits(HookPoint.of(HookKind.UNEMBED_OUT));
    values += logitsEdited ? 3 * tokens * config.vocabularySize() : 0;
    values += tokens * (RESIDUAL_VALUES * config.dModel() + MLP_VALUES * config.dMlp());
    values += MAP_VALUES * tokens * width * config.heads();
    boolean headsEdited = program.points().stream().anyMatch(point -> editsHeads(program, point));
    if (ofHeads || headsEdited) {
      values += HEAD_INPUT_WEIGHTS * config.dModel() * config.dModel();
      double each = headsEdited ? EDITED_HEAD_INPUT_VALUES : HEAD_INPUT_VALUES;
      values += each * tokens * config.heads() * config.dModel();
    }
    return PassCost.of(config, rows, width, LogitsMode.NONE, program)
        .plus((long) Math.min(Long.MAX_VALUE / 4, FLOAT * values));
  }

  private static boolean editsHeads(HookProgram program, HookPoint point) {
    return point.kind().isPerHeadResidual() && program.edits(point);
  }

  /** The cost of {@link AttributionPatching} for two rows of {@code width} tokens. */
  public static PassCost ofPatching(GptConfig config, int width, SortedSet<HookPoint> points) {
    HookProgram.Builder captures = HookProgram.builder(config);
    points.forEach(captures::capture);
    HookProgram asked = captures.build();
    double most = 0;
    double clean = 0;
    for (HookPoint point : points) {
      double elements = PassCost.elements(config, point, 1, width);
      clean += elements;
      most = Math.max(most, elements);
    }
    return of(config, 1, width, asked, asked).plus((long) (FLOAT * (clean + 4 * most)));
  }

  /** The cost of a {@link FrozenModel}, for as long as it is held. */
  public static PassCost ofFrozen(GptConfig config, int width, SortedSet<HookPoint> sources) {
    return PassCost.of(
        config, 1, width, LogitsMode.NONE, FrozenModel.held(config.layers(), sources.first()));
  }

  /** The cost of following a batch of targets through a {@link FrozenModel}. */
  public static PassCost ofTargets(
      GptConfig config, int width, SortedSet<HookPoint> sources, List<LinearTarget> targets) {
    double places = (double) width * targets.size();
    double values = RESIDUAL_VALUES / 2 * places * config.dModel();
    for (LinearTarget target : targets) {
      values = Math.max(values, 2 * places * target.vector().length);
    }
    for (HookPoint source : sources) {
      double elements = PassCost.elements(config, source, targets.size(), width);
      values += source.kind().isPerHeadResidual() ? 2 * elements : elements;
    }
    return new PassCost(targets.size(), (long) Math.min(Long.MAX_VALUE / 4, FLOAT * values));
  }
}
