package dev.loupe.benchmarks;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import java.util.List;

/**
 * A pass that keeps every residual stream, attention output, MLP output, z and pattern, over the
 * plain pass.
 */
final class CaptureBenchmark implements BenchmarkCase {
  private static final List<HookKind> EVERYWHERE =
      List.of(
          HookKind.RESID_PRE,
          HookKind.RESID_MID,
          HookKind.RESID_POST,
          HookKind.ATTN_OUT,
          HookKind.MLP_OUT,
          HookKind.Z,
          HookKind.PATTERN);

  @Override
  public String name() {
    return "captures";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    TokenBatch batch = model.tokens(8, 128);
    ForwardOptions plain = ForwardOptions.plain();
    HookProgram.Builder everything = HookProgram.builder(model.config());
    for (int layer = 0; layer < model.config().layers(); layer++) {
      for (HookKind kind : EVERYWHERE) {
        everything.capture(HookPoint.of(kind, layer));
      }
    }
    ForwardOptions captured = plain.with(everything.build());
    List<Timing> timings =
        Timing.byTurns(7, () -> pass(model, batch, plain), () -> pass(model, batch, captured));
    report.ratio("captured_over_plain_8x128", timings.get(1), timings.get(0));
    report.seconds("captured_seconds_8x128", timings.get(1));
    report.seconds("captured_plain_seconds_8x128", timings.get(0));
  }

  private static void pass(BenchmarkModel model, TokenBatch batch, ForwardOptions options) {
    try (NDManager scope = model.loaded().newScope()) {
      model.loaded().transformer().forward(scope, batch, options);
    }
  }
}
