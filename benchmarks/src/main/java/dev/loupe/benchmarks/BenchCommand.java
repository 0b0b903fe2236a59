package dev.loupe.benchmarks;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code loupe bench}: measures, and prints ratios. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    subcommands = {InferenceBenchCommand.class, SoakCommand.class},
    description = "Measure Loupe against bounds and rivals in the same process.")
public final class BenchCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }
}
