package dev.loupe.benchmarks;

/** One benchmark: measures and reports. {@link InferenceBenchmarks} lists them. */
public interface BenchmarkCase {

  /** What {@code --only} calls it. */
  String name();

  /** Measures on a model that others use after it, so leaves it as it was. */
  void run(BenchmarkModel model, Report report) throws Exception;
}
