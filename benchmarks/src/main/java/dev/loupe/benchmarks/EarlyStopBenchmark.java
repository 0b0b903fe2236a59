package dev.loupe.benchmarks;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import java.util.List;

/** A pass that keeps the residual stream after the first block, over a plain pass. */
final class EarlyStopBenchmark implements BenchmarkCase {
  private static final int ROUNDS = 7;

  @Override
  public String name() {
    return "early-stop";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    TokenBatch batch = model.tokens(8, 128);
    HookProgram program =
        HookProgram.builder(model.config()).capture(HookPoint.of(HookKind.RESID_POST, 0)).build();
    ForwardOptions options = ForwardOptions.plain().with(program).with(LogitsMode.NONE);
    List<Timing> timings =
        Timing.byTurns(
            ROUNDS,
            () -> PlainPassBenchmark.pass(model, batch),
            () -> {
              try (NDManager scope = model.loaded().newScope()) {
                model.loaded().transformer().forward(scope, batch, options);
              }
            });
    report.ratio("early_stop_over_full", timings.get(1), timings.get(0));
    report.seconds("early_stop_seconds_8x128", timings.get(1));
  }
}
