package dev.loupe.benchmarks;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code loupe bench soak}: whether a server's memory stays where it is. */
@Command(
    name = "soak",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Send a server of a small random model mixed requests, good and bad, whole and broken off,",
      "and compare the native memory in use at the end with what it was after the first thousand.",
      "Ends with 1 when it grew by more than five percent. What the process takes in all is said",
      "beside it: the Java heap grows to its bound as it likes."
    })
final class SoakCommand implements Callable<Integer> {
  private static final double MOST_GROWTH = 0.05;
  private static final int FIRST = 1000;
  private static final int LOOKS = 10;

  @Option(
      names = "--requests",
      paramLabel = "COUNT",
      description = "Requests in all (default: ${DEFAULT-VALUE}).")
  private int requests = 20_000;

  @Option(
      names = "--clients",
      paramLabel = "COUNT",
      description = "Clients that send at once (default: ${DEFAULT-VALUE}).")
  private int clients = 8;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write every number to this file too.")
  private Path json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    if (requests <= FIRST || clients < 1) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--requests must exceed " + FIRST + ", and --clients 0");
    }
    Report report = new Report(spec.commandLine().getOut());
    Soak.Result result =
        new Soak(clients)
            .run(
                requests,
                FIRST,
                LOOKS,
                (memory, done) -> {
                  report.number("soak_resident_bytes_after_" + done, memory.residentBytes());
                  report.number("soak_native_bytes_after_" + done, memory.nativeBytes());
                });
    result.endings().forEach((ending, count) -> report.number(ending, count));
    report.number("soak_requests", requests);
    report.number("soak_seconds", result.seconds());
    report.number("soak_resident_bytes_start", result.start().residentBytes());
    report.number("soak_resident_bytes_end", result.end().residentBytes());
    report.number("soak_resident_bytes_largest", result.largest().residentBytes());
    report.number("soak_heap_bytes_start", result.start().heapBytes());
    report.number("soak_heap_bytes_end", result.end().heapBytes());
    report.number("soak_native_bytes_start", result.start().nativeBytes());
    report.number("soak_native_bytes_end", result.end().nativeBytes());
    report.number("soak_growth", result.growth());
    report.number("soak_native_growth", result.nativeGrowth());
    if (json != null) {
      report.write(json);
    }
    return result.nativeGrowth() <= MOST_GROWTH
        ? CommandLine.ExitCode.OK
        : CommandLine.ExitCode.SOFTWARE;
  }
}
