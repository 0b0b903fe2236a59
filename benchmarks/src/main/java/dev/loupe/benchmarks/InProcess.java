package dev.loupe.benchmarks;

/** A benchmark without clients: all of it runs on the engine's thread, as a server's work does. */
record InProcess(BenchmarkCase inner) implements BenchmarkCase {
  @Override
  public String name() {
    return inner.name();
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    Timing.onEngine(() -> inner.run(model, report)).run();
  }
}
