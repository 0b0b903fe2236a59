package dev.loupe.benchmarks;

import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code loupe bench inference}: what the inference service costs beyond the model's own cost. */
@Command(
    name = "inference",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measure the inference service on a model of GPT-2 small's shape with random weights.",
      "Each ratio's two sides take turns in one process. A ratio is the median of the rounds'"
          + " ratios;",
      "that of the shortest rounds stands beside it (_of_minima). Seconds are of the shortest"
          + " round,",
      "and the median's stand beside them (_median)."
    })
final class InferenceBenchCommand implements Callable<Integer> {
  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write every number to this file too.")
  private Path json;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "NAME",
      description = "Run these only; --list names them.")
  private List<String> only = List.of();

  @Option(names = "--list", description = "Name the benchmarks and end.")
  private boolean list;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    List<BenchmarkCase> cases = InferenceBenchmarks.all();
    List<String> names = cases.stream().map(BenchmarkCase::name).toList();
    if (list) {
      names.forEach(spec.commandLine().getOut()::println);
      return CommandLine.ExitCode.OK;
    }
    Set<String> chosen = new LinkedHashSet<>(only.isEmpty() ? names : only);
    for (String name : chosen) {
      if (!names.contains(name)) {
        throw new CommandLine.ParameterException(
            spec.commandLine(), "--only is '" + name + "'; expected some of " + names);
      }
    }
    Report report = new Report(spec.commandLine().getOut());
    try (BenchmarkModel model = BenchmarkModel.gpt2Small()) {
      for (BenchmarkCase benchmark : cases) {
        if (chosen.contains(benchmark.name())) {
          benchmark.run(model, report);
          if (json != null) {
            report.write(json); // what was measured stays when a later benchmark fails
          }
        }
      }
    }
    return CommandLine.ExitCode.OK;
  }
}
