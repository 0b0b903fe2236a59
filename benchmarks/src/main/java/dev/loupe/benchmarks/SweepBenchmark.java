package dev.loupe.benchmarks;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.sweeps.DeviceTurns;
import dev.loupe.inference.sweeps.PatchedActivation;
import dev.loupe.inference.sweeps.PatchingSweep;
import dev.loupe.inference.sweeps.SweepGrid;
import dev.loupe.inference.sweeps.SweepOutput;
import dev.loupe.inference.sweeps.SweepRequest;
import java.util.Arrays;

/**
 * Patching each head at each position, over one plain pass for each of these cells. The prompts
 * differ at every token, so that no cell is known beforehand.
 */
final class SweepBenchmark implements BenchmarkCase {
  private static final int POSITIONS = 20;
  private static final int ROUNDS = 3;
  private static final int PASSES = 10;

  @Override
  public String name() {
    return "sweep";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    TokenBatch corrupt = model.tokens(1, POSITIONS);
    int[] row = Arrays.stream(corrupt.ids()).mapToInt(Math::toIntExact).toArray();
    int vocabulary = model.config().vocabularySize();
    int[] clean = Arrays.stream(row).map(id -> (id + 1) % vocabulary).toArray();
    SweepGrid grid =
        SweepGrid.of(
            PatchedActivation.Z, model.config().layers(), POSITIONS, model.config().heads());
    SweepRequest request =
        new SweepRequest(clean, row, grid, new Metric.LogitDifference(-1, 0, 1), 0);
    double[] plain = new double[ROUNDS * PASSES];
    double[] sweep = new double[ROUNDS];
    for (int round = -1; round < ROUNDS; round++) {
      for (int pass = 0; pass < PASSES; pass++) {
        double seconds = seconds(() -> PlainPassBenchmark.pass(model, corrupt));
        if (round >= 0) {
          plain[round * PASSES + pass] = seconds;
        }
      }
      double seconds = seconds(() -> sweep(model, request));
      if (round >= 0) {
        sweep[round] = seconds;
      }
    }
    Timing ofPass = Timing.of(plain);
    Timing ofSweep = Timing.of(sweep);
    report.number("sweep_speedup", grid.size() * ofPass.minimum() / ofSweep.minimum());
    report.number("sweep_speedup_median", grid.size() * ofPass.median() / ofSweep.median());
    report.number("sweep_cells", grid.size());
    report.seconds("sweep_seconds", ofSweep);
    report.seconds("plain_seconds_1x" + POSITIONS, ofPass);
  }

  private static double seconds(Timing.Work work) throws Exception {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) * 1e-9;
  }

  private static void sweep(BenchmarkModel model, SweepRequest request) {
    HookedTransformer transformer = model.loaded().transformer();
    try (NDManager scope = model.loaded().newScope()) {
      new PatchingSweep(transformer, request).run(scope, DeviceTurns.OWN, new Unread());
    }
  }

  private static final class Unread implements SweepOutput {
    @Override
    public void runs(double clean, double corrupt) {}

    @Override
    public void cells(int firstCell, double[] values) {}
  }
}
