package dev.loupe.benchmarks;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.SafetensorsFile;
import dev.loupe.tensor.SafetensorsWriter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How much larger a process gets by loading a model, at its largest, over the weights' bytes as
 * they are used, and how long it takes. Each form is loaded in a process of its own.
 */
final class LoadingBenchmark implements BenchmarkCase {
  private static final String WEIGHTS = "model.safetensors";

  @Override
  public String name() {
    return "loading";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    Path folder = model.folder();
    Path halves = Files.createTempDirectory("loupe-bench-f16");
    try (BenchmarkModel small = BenchmarkModel.of(GptConfig.gpt2(2, 4, 64, 64, 256, 0))) {
      writeHalves(folder, halves);
      report(report, "", loaded(small, folder, "f32", "none"));
      report(report, "_f16_file", loaded(small, halves, "f32", "none"));
      report(report, "_bf16", loaded(small, folder, "bf16", "none"));
      report(report, "_processed", loaded(small, folder, "f32", "all"));
    } finally {
      Files.deleteIfExists(halves.resolve(WEIGHTS));
      Files.deleteIfExists(halves.resolve("config.json"));
      Files.delete(halves);
    }
  }

  private static void writeHalves(Path from, Path to) throws IOException {
    Files.copy(from.resolve("config.json"), to.resolve("config.json"));
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(from.resolve(WEIGHTS))) {
      for (String name : file.names()) {
        tensors.put(name, file.read(name).as(ElementType.F16));
      }
      SafetensorsWriter.write(to.resolve(WEIGHTS), tensors, Map.of());
    }
  }

  private record Load(double overWeights, double seconds) {}

  private static void report(Report report, String form, Load load) {
    report.number("loading_over_weights" + form, load.overWeights());
    report.number("loading_seconds" + form, load.seconds());
  }

  private static Load loaded(BenchmarkModel small, Path folder, String type, String steps)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(LoadingProbe.class.getName());
    command.addAll(List.of(small.folder().toString(), folder.toString(), type, steps));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String said =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    if (process.waitFor() != 0) {
      throw new IOException("the process that loads a model ended with " + process.exitValue());
    }
    String[] numbers = said.substring(said.lastIndexOf('\n') + 1).split(" ");
    return new Load(
        Double.parseDouble(numbers[0]) / Double.parseDouble(numbers[1]),
        Double.parseDouble(numbers[2]));
  }
}
