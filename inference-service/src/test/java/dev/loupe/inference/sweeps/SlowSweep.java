package dev.loupe.inference.sweeps;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.NdArrays;
import java.util.List;

/** Patching as plainly as can be: a whole pass for each cell, and metrics by their definition. */
final class SlowSweep {
  private final NDManager scope;
  private final HookedTransformer model;
  private final SweepRequest request;

  SlowSweep(NDManager scope, HookedTransformer model, SweepRequest request) {
    this.scope = scope;
    this.model = model;
    this.request = request;
  }

  double clean() {
    return metric(request.clean(), HookProgram.none());
  }

  double corrupt() {
    return metric(request.corrupt(), HookProgram.none());
  }

  double[] cells() {
    double[] values = new double[request.grid().size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = patched(request.grid().cell(i));
    }
    return values;
  }

  private double patched(SweepCell cell) {
    HookPoint point = HookPoint.of(request.grid().activation().kind(), cell.layer());
    HookProgram capture = HookProgram.builder(model.config()).capture(point).build();
    float[] source =
        NdArrays.floats(
            model
                .forward(
                    scope, TokenBatch.of(request.clean()), ForwardOptions.plain().with(capture))
                .capture(point));
    HookProgram patch =
        HookProgram.builder(model.config())
            .live(point, (at, value) -> replaced(point, value, source, cell))
            .build();
    return metric(request.corrupt(), patch);
  }

  private NDArray replaced(HookPoint point, NDArray value, float[] source, SweepCell cell) {
    List<HookAxis> axes = point.kind().axes();
    int positionAxis = point.kind().positionAxis();
    int headAxis = axes.indexOf(HookAxis.HEAD);
    float[] values = NdArrays.floats(value);
    long[] shape = value.getShape().getShape();
    for (int i = 0; i < values.length; i++) {
      int rest = i;
      boolean chosen = true;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        int index = (int) (rest % shape[axis]);
        rest /= (int) shape[axis];
        chosen &= axis != positionAxis || cell.position() < 0 || index == cell.position();
        chosen &= axis != headAxis || cell.head() < 0 || index == cell.head();
      }
      values[i] = chosen ? source[i] : values[i];
    }
    return value.getManager().create(values, value.getShape());
  }

  private double metric(int[] tokens, HookProgram program) {
    float[] flat =
        NdArrays.floats(
            model
                .forward(scope, TokenBatch.of(tokens), ForwardOptions.plain().with(program))
                .requireLogits());
    int vocabulary = model.config().vocabularySize();
    double[][] logits = new double[tokens.length][vocabulary];
    for (int i = 0; i < flat.length; i++) {
      logits[i / vocabulary][i % vocabulary] = flat[i];
    }
    return metric(request.metric(), logits, tokens);
  }

  private static double metric(Metric metric, double[][] logits, int[] tokens) {
    int n = tokens.length;
    if (metric instanceof Metric.Logit m) {
      return logits[Math.floorMod(m.position(), n)][m.token()];
    }
    if (metric instanceof Metric.LogitDifference m) {
      double[] at = logits[Math.floorMod(m.position(), n)];
      return at[m.token()] - at[m.incorrectToken()];
    }
    if (metric instanceof Metric.LogProbability m) {
      return logProbability(logits[Math.floorMod(m.position(), n)], m.token());
    }
    if (metric instanceof Metric.KlDivergence m) {
      double sum = 0;
      for (int v = 0; v < logits[0].length; v++) {
        double log = m.referenceLogProbabilities()[v];
        sum += Math.exp(log) * (log - logProbability(logits[Math.floorMod(m.position(), n)], v));
      }
      return sum;
    }
    double sum = 0;
    for (int p = 0; p + 1 < n; p++) {
      sum -= logProbability(logits[p], tokens[p + 1]);
    }
    return sum / (n - 1);
  }

  private static double logProbability(double[] logits, int token) {
    double sum = 0;
    for (double logit : logits) {
      sum += Math.exp(logit);
    }
    return logits[token] - Math.log(sum);
  }
}
