package dev.loupe.benchmarks;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.gradients.GradientPass;
import dev.loupe.inference.gradients.TorchBackwardOps;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Gradients of a logit difference at every hook point, over the plain pass; and the same without
 * the points that are made only when asked for and are as wide as the residual stream for each
 * head.
 */
final class GradientBenchmark implements BenchmarkCase {
  private static final int ROWS = 8;
  private static final int WIDTH = 128;
  private static final int ROUNDS = 7;

  @Override
  public String name() {
    return "gradients";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    TokenBatch batch = model.tokens(ROWS, WIDTH);
    List<HookPoint> all = new HookPoints(model.config()).all();
    List<HookPoint> made = all.stream().filter(point -> !point.kind().isPerHeadResidual()).toList();
    try (TorchBackwardOps ops = new TorchBackwardOps()) {
      List<Timing> timings =
          Timing.byTurns(
              ROUNDS,
              () -> plain(model, batch),
              () -> gradients(model, batch, ops, made),
              () -> gradients(model, batch, ops, all));
      report.ratio("gradient_over_plain", timings.get(2), timings.get(0));
      report.ratio(
          "gradient_without_per_head_residuals_over_plain", timings.get(1), timings.get(0));
      report.seconds("gradient_seconds_8x128", timings.get(2));
      report.seconds("gradient_without_per_head_residuals_seconds_8x128", timings.get(1));
      report.seconds("gradient_plain_seconds_8x128", timings.get(0));
    }
  }

  private static void plain(BenchmarkModel model, TokenBatch batch) {
    try (NDManager scope = model.loaded().newScope()) {
      model.loaded().transformer().forward(scope, batch, ForwardOptions.plain());
    }
  }

  private static void gradients(
      BenchmarkModel model, TokenBatch batch, TorchBackwardOps ops, List<HookPoint> points) {
    HookProgram.Builder asked = HookProgram.builder(model.config());
    points.forEach(asked::capture);
    try (NDManager scope = model.loaded().newScope()) {
      new GradientPass(model.loaded().transformer(), ops)
          .run(
              scope,
              rows(batch),
              Collections.nCopies(ROWS, new Metric.LogitDifference(-1, 0, 1)),
              HookProgram.builder(model.config()),
              asked.build(),
              PassControl.NONE);
    }
  }

  private static List<int[]> rows(TokenBatch batch) {
    List<int[]> rows = new ArrayList<>();
    for (int row = 0; row < ROWS; row++) {
      long[] ids = Arrays.copyOfRange(batch.ids(), row * WIDTH, (row + 1) * WIDTH);
      rows.add(Arrays.stream(ids).mapToInt(Math::toIntExact).toArray());
    }
    return rows;
  }
}
