package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.metrics.MetricReader;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;

/**
 * Attribution patching (Nanda 2023): what patching each activation from a clean run into a corrupt
 * one would do to a metric, to first order. For all hook points together it takes two forward
 * passes and one backward pass.
 */
public final class AttributionPatching {
  private final HookedTransformer model;
  private final BackwardOps ops;

  /** Patching on a model. */
  public AttributionPatching(HookedTransformer model, BackwardOps ops) {
    this.model = model;
    this.ops = ops;
  }

  /**
   * Estimated effects. The arrays belong to the scope that they were asked for in.
   *
   * @param cleanMetric of the clean run
   * @param corruptMetric of the corrupt run
   * @param effects in model order, the values' shapes without the last axis: the sum along it of
   *     (clean - corrupt) * gradient of the metric in the corrupt run
   */
  public record Effects(double cleanMetric, double corruptMetric, Map<HookPoint, NDArray> effects) {

    /** Takes its own copy of the map. */
    public Effects {
      effects = Collections.unmodifiableMap(new LinkedHashMap<>(effects));
    }
  }

  /**
   * Estimates what patches would do.
   *
   * @param scope owns the results
   * @param clean tokens that activations would be taken from
   * @param corrupt as many tokens, into whose run they would be put
   * @param points at least one
   * @throws dev.loupe.inference.metrics.InvalidMetricException when the rows lack what the metric
   *     reads
   */
  public Effects run(
      NDManager scope,
      int[] clean,
      int[] corrupt,
      Metric metric,
      SortedSet<HookPoint> points,
      PassControl control) {
    if (clean.length != corrupt.length) {
      throw new IllegalArgumentException(
          "clean has %d tokens, and corrupt has %d".formatted(clean.length, corrupt.length));
    }
    try (NDManager pass = scope.newSubManager()) {
      HookPoint normed = HookPoint.of(HookKind.UNEMBED_IN);
      HookProgram.Builder ofClean = HookProgram.builder(model.config()).capture(normed);
      HookProgram.Builder asked = HookProgram.builder(model.config());
      for (HookPoint point : points) {
        ofClean.capture(point);
        asked.capture(point);
      }
      HookProgram gradients = asked.build();
      MetricReader reader = new MetricReader(model, List.of(clean), List.of(metric));
      ForwardResult cleanRun =
          model.forward(
              pass,
              TokenBatch.of(clean),
              ForwardOptions.plain().with(ofClean.build()).with(LogitsMode.NONE).with(control));
      double cleanMetric = reader.values(reader.pick(cleanRun.capture(normed)))[0];
      HookProgram.Builder captures = HookProgram.builder(model.config());
      points.forEach(captures::capture);
      Gradients corruptRun =
          new GradientPass(model, ops)
              .run(pass, List.of(corrupt), List.of(metric), captures, gradients, control);
      Map<HookPoint, NDArray> effects = new LinkedHashMap<>();
      for (HookPoint point : points) {
        try (NDManager local = pass.newSubManager()) {
          NDArray gradient = corruptRun.gradients().capture(point);
          NDArray before = corruptRun.activations().capture(point);
          NDArray after = cleanRun.capture(point);
          NDArray effect = effect(local, after, before, gradient);
          effect.attach(scope);
          effects.put(point, effect);
        }
      }
      return new Effects(cleanMetric, corruptRun.metrics()[0], effects);
    }
  }

  /** Scores of hidden keys are -inf in both runs; there the gradient is 0, and the effect too. */
  private static NDArray effect(NDManager local, NDArray clean, NDArray corrupt, NDArray gradient) {
    NDArray change = view(local, clean).sub(corrupt);
    NDArray finite = NDArrays.where(change.isNaN(), change.zerosLike(), change);
    return finite.mul(gradient).sum(new int[] {-1});
  }

  private static NDArray view(NDManager local, NDArray array) {
    return array.get(local, new NDIndex(":"));
  }
}
