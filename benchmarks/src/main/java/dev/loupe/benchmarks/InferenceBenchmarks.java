package dev.loupe.benchmarks;

import java.util.List;

/** The benchmarks of the inference service, in the order in which they run. */
final class InferenceBenchmarks {
  private InferenceBenchmarks() {}

  static List<BenchmarkCase> all() {
    return List.of(
        new LoadingBenchmark(),
        new InProcess(new PlainPassBenchmark()),
        new InProcess(new EarlyStopBenchmark()),
        new InProcess(new CaptureBenchmark()),
        new InProcess(new GradientBenchmark()),
        new InProcess(new Bfloat16Benchmark()),
        new DecodeBenchmark(),
        new ConcurrentClientsBenchmark(),
        new StreamBenchmark(),
        new StreamedPassBenchmark(),
        new HookRoundTripBenchmark(),
        new InProcess(new SweepBenchmark()),
        new MemoryBenchmark());
  }
}
