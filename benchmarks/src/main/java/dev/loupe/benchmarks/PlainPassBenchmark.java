package dev.loupe.benchmarks;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.TokenBatch;
import java.util.List;

/** A plain pass, logits at every position, over its matrix products alone. */
final class PlainPassBenchmark implements BenchmarkCase {
  @Override
  public String name() {
    return "plain";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    measure(model, report, 8, 128, 7);
    measure(model, report, 1, 1024, 7);
    measure(model, report, 1, 128, 25);
  }

  private static void measure(BenchmarkModel model, Report report, int rows, int width, int rounds)
      throws Exception {
    TokenBatch batch = model.tokens(rows, width);
    String shape = rows + "x" + width;
    try (MatrixProducts bound = new MatrixProducts(model.config(), rows, width, width, width)) {
      List<Timing> timings = Timing.byTurns(rounds, bound::run, () -> pass(model, batch));
      report.ratio("plain_over_bound_" + shape, timings.get(1), timings.get(0));
      report.number("bound_products_by_onednn_" + shape, bound.madeBy(ProductWay.LINEAR));
      report.seconds("plain_seconds_" + shape, timings.get(1));
      report.seconds("bound_seconds_" + shape, timings.get(0));
    }
  }

  /** One plain pass, its results freed. */
  static void pass(BenchmarkModel model, TokenBatch batch) {
    try (NDManager scope = model.loaded().newScope()) {
      model.loaded().transformer().forward(scope, batch, ForwardOptions.plain());
    }
  }
}
