package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.metrics.MetricReader;
import dev.loupe.inference.model.AttentionMask;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.PassRows;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;

/**
 * Gradients of metrics by activations: one forward pass that keeps what the backward pass reads,
 * then one backward pass down to the earliest hook point that is asked for. A metric of a few
 * logits never makes the others. Weights get no gradients. Holds no state of a pass, so passes may
 * run on several threads at once.
 */
public final class GradientPass {
  private final HookedTransformer model;
  private final BackwardOps ops;

  /** Gradients on a model. */
  public GradientPass(HookedTransformer model, BackwardOps ops) {
    this.model = model;
    this.ops = ops;
  }

  /**
   * Differentiates one metric for each row.
   *
   * @param scope owns the results; everything else is freed before this returns
   * @param rows tokens of each row; their lengths may differ
   * @param metrics one for each row
   * @param program interventions, and what to keep of activations; captures are added
   * @param asked what to keep of gradients; at least one point, and no interventions
   * @param control looked at between layers, on the way back too
   * @throws dev.loupe.inference.metrics.InvalidMetricException when a row lacks what its metric
   *     reads
   * @throws IncompatibleGradientException when a gradient is asked for where an intervention took
   *     the place of what it is a gradient of
   */
  public Gradients run(
      NDManager scope,
      List<int[]> rows,
      List<Metric> metrics,
      HookProgram.Builder program,
      HookProgram asked,
      PassControl control) {
    if (asked.points().isEmpty()) {
      throw new IllegalArgumentException("no hook points; expected at least one");
    }
    HookProgram edits = program.build();
    HookPoint first = GradientRun.first(asked);
    HeadInputs.check(model.config(), edits, asked.points());
    MetricReader reader = new MetricReader(model, rows, metrics);
    try (NDManager pass = scope.newSubManager()) {
      TokenBatch batch = TokenBatch.of(rows);
      List<HookPoint> captured = edits.points().stream().filter(edits::captures).toList();
      SortedSet<HookPoint> kept = KeptActivations.of(model.config(), first, edits);
      Map<HookPoint, NDArray> inputs = new HashMap<>();
      for (HookPoint point : edits.points()) {
        if (first.compareTo(point) <= 0 && needsInput(edits, point)) {
          program.watchInput(point, value -> inputs.put(point, value.get(pass, new NDIndex(":"))));
        }
      }
      kept.forEach(program::capture);
      ForwardOptions options =
          ForwardOptions.plain().with(program.build()).with(LogitsMode.NONE).with(control);
      ForwardResult forward = model.forward(pass, batch, options);
      GradientRun hooks =
          new GradientRun(
              asked,
              edits,
              new PassRows(new int[batch.rows()], batch.lengths(), batch.width(), false),
              forward.captures(),
              inputs);
      Map<HookPoint, NDArray> activations = new LinkedHashMap<>(forward.captures());
      activations.keySet().retainAll(captured);
      Set<NDArray> wanted = Collections.newSetFromMap(new IdentityHashMap<>());
      wanted.addAll(activations.values());
      forward.readings().values().forEach(wanted::addAll);
      double[] values = new Backward(pass, batch, reader, hooks, wanted, control).run();
      hooks.moveGradients(scope);
      wanted.forEach(array -> array.attach(scope));
      return new Gradients(
          values,
          hooks.gradients(),
          new ForwardResult(Optional.empty(), activations, forward.readings()));
    }
  }

  /** The softmax's own result is read on the way back, whatever became of it. */
  private static boolean needsInput(HookProgram edits, HookPoint point) {
    return edits.edits(point)
        && (edits.pullbackNeedsValue(point) || point.kind() == HookKind.PATTERN);
  }

  /** One backward pass. */
  private final class Backward {
    private final NDManager pass;
    private final TokenBatch batch;
    private final MetricReader reader;
    private final GradientRun hooks;
    private final Set<NDArray> wanted;
    private final PassControl control;
    private final GptConfig config = model.config();

    Backward(
        NDManager pass,
        TokenBatch batch,
        MetricReader reader,
        GradientRun hooks,
        Set<NDArray> wanted,
        PassControl control) {
      this.pass = pass;
      this.batch = batch;
      this.reader = reader;
      this.hooks = hooks;
      this.wanted = wanted;
      this.control = control;
    }

    double[] run() {
      double[] metrics;
      NDArray cotangent;
      try (NDManager local = pass.newSubManager()) {
        hooks.useScope(local);
        UnembedBackward.Result end = new UnembedBackward(model, ops, hooks, reader).run();
        metrics = end.metrics();
        cotangent = end.cotangent() == null ? null : lnFinal(end.cotangent());
        keep(cotangent);
      }
      NDArray mask = AttentionMask.of(pass, batch, null).array();
      NDArray visible = AttentionMask.ofTokens(pass, batch, null);
      for (int layer = config.layers() - 1; cotangent != null && layer >= 0; layer--) {
        control.beforeLayer(layer);
        try (NDManager local = pass.newSubManager()) {
          cotangent.attach(local);
          hooks.useScope(local);
          cotangent = new BlockBackward(model, layer, ops, hooks, mask, visible).run(cotangent);
          keep(cotangent);
        }
        hooks.release(layer, wanted);
      }
      if (cotangent != null) {
        hooks.useScope(pass);
        hooks.at(HookKind.POS_EMBED, -1, cotangent);
        hooks.at(HookKind.EMBED, -1, cotangent);
      }
      return metrics;
    }

    private NDArray lnFinal(NDArray byNormed) {
      NDArray x = hooks.kept(HookKind.RESID_POST, config.layers() - 1);
      return new NormBackward(ops, hooks, config.layerNormEpsilon())
          .run(
              byNormed,
              x,
              model.weights().lnFinal(),
              HookKind.LN_FINAL_SCALE,
              HookKind.LN_FINAL_NORMALIZED,
              -1);
    }

    /** Lets what goes on, and what was asked for, outlive the arrays around them. */
    private void keep(NDArray cotangent) {
      if (cotangent != null) {
        cotangent.attach(pass);
      }
      hooks.moveGradients(pass);
    }
  }
}
