package dev.loupe.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ComputeType;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.FusedTransformerOps;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.TokenBatch;
import java.util.List;

/**
 * Products in bfloat16: the throughput over that of float32, and the error, the root mean square of
 * the logits' differences over that of the float32 logits around their mean.
 */
final class Bfloat16Benchmark implements BenchmarkCase {
  @Override
  public String name() {
    return "bf16";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    TokenBatch batch = model.tokens(8, 128);
    HookedTransformer wide = model.loaded().transformer();
    try (FusedTransformerOps ops = FusedTransformerOps.of(wide.weights(), ComputeType.BF16)) {
      HookedTransformer narrow = new HookedTransformer(wide.config(), wide.weights(), ops);
      report.number("bf16_relative_error", relativeError(model, wide, narrow));
      List<Timing> timings =
          Timing.byTurns(7, () -> pass(model, wide, batch), () -> pass(model, narrow, batch));
      report.ratio("bf16_over_fp32_8x128", timings.get(0), timings.get(1));
      report.seconds("bf16_seconds_8x128", timings.get(1));
      report.seconds("fp32_seconds_8x128", timings.get(0));
    }
  }

  private static void pass(BenchmarkModel model, HookedTransformer transformer, TokenBatch batch) {
    try (NDManager scope = model.loaded().newScope()) {
      transformer.forward(scope, batch, ForwardOptions.plain());
    }
  }

  private static double relativeError(
      BenchmarkModel model, HookedTransformer wide, HookedTransformer narrow) {
    TokenBatch batch = model.tokens(2, 64);
    try (NDManager scope = model.loaded().newScope()) {
      NDArray expected = wide.forward(scope, batch, ForwardOptions.plain()).requireLogits();
      NDArray actual = narrow.forward(scope, batch, ForwardOptions.plain()).requireLogits();
      return rootMeanSquare(actual.sub(expected)) / rootMeanSquare(expected.sub(expected.mean()));
    }
  }

  private static double rootMeanSquare(NDArray x) {
    return Math.sqrt(x.square().mean().getFloat());
  }
}
