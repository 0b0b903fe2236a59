package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.metrics.MetricGradient;
import dev.loupe.inference.metrics.MetricReader;
import dev.loupe.inference.metrics.Place;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.hooks.HookKind;
import java.util.List;

/**
 * From metrics to the cotangent of what the unembedding reads. The whole of the logits' gradient is
 * made only where somebody reads or edits it; else only the rows of W_U that matter take part.
 */
final class UnembedBackward {
  private final HookedTransformer model;
  private final BackwardOps ops;
  private final GradientRun hooks;
  private final MetricReader reader;

  /**
   * What this step gives.
   *
   * @param metrics one for each row
   * @param cotangent of {@code unembed.hook_in} before interventions, [b, p, d_model]; null when
   *     nothing earlier is asked for
   */
  record Result(double[] metrics, NDArray cotangent) {}

  UnembedBackward(
      HookedTransformer model, BackwardOps ops, GradientRun hooks, MetricReader reader) {
    this.model = model;
    this.ops = ops;
    this.hooks = hooks;
    this.reader = reader;
  }

  Result run() {
    Result byNormed = hooks.isEdited(HookKind.UNEMBED_OUT, -1) ? throughLogits() : pastLogits();
    if (hooks.isDoneAt(HookKind.UNEMBED_OUT, -1)) {
      return new Result(byNormed.metrics(), null);
    }
    NDArray cotangent = hooks.at(HookKind.UNEMBED_IN, -1, byNormed.cotangent());
    boolean done = hooks.isDoneAt(HookKind.UNEMBED_IN, -1);
    return new Result(byNormed.metrics(), done ? null : cotangent);
  }

  private Result throughLogits() {
    NDArray logits = hooks.kept(HookKind.UNEMBED_OUT, -1); // [b, p, d_vocab]
    MetricGradient metric = reader.gradientOfLogits(reader.pick(logits));
    NDArray byLogits =
        hooks.at(HookKind.UNEMBED_OUT, -1, spread(metric.cotangent(), logits.getShape()));
    return new Result(metric.values(), ops.linear(byLogits, model.weights().unembedding()));
  }

  private Result pastLogits() {
    NDArray normed = hooks.kept(HookKind.UNEMBED_IN, -1); // [b, p, d_model]
    NDArray picked = reader.pick(normed);
    if (!hooks.isUsed(HookKind.UNEMBED_OUT, -1)) {
      MetricGradient metric = reader.gradient(picked);
      return new Result(metric.values(), spread(metric.cotangent(), normed.getShape()));
    }
    MetricGradient metric = reader.gradientOfLogits(model.unembed(picked));
    Shape shape = normed.getShape();
    Shape ofLogits = new Shape(shape.get(0), shape.get(1), model.config().vocabularySize());
    hooks.at(HookKind.UNEMBED_OUT, -1, spread(metric.cotangent(), ofLogits));
    NDArray byPicked = ops.linear(metric.cotangent(), model.weights().unembedding());
    return new Result(metric.values(), spread(byPicked, shape));
  }

  /** Puts [place, n] into [b, p, n] that is zero elsewhere. */
  private NDArray spread(NDArray ofPlaces, Shape shape) {
    NDArray whole = ofPlaces.getManager().zeros(shape);
    List<Place> places = reader.places();
    for (int i = 0; i < places.size(); i++) {
      Place place = places.get(i);
      whole.set(new NDIndex("{}, {}", place.row(), place.position()), ofPlaces.get(i));
    }
    return whole;
  }
}
