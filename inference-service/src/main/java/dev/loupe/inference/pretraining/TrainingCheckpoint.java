package dev.loupe.inference.pretraining;

import dev.loupe.server.files.DurableFiles;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.SafetensorsException;
import dev.loupe.tensor.SafetensorsFile;
import dev.loupe.tensor.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * All that a training run needs to go on: a safetensors file with three flat F32 vectors ({@code
 * weights}, {@code adam.mean}, {@code adam.square}) and, in its metadata, {@code step} and {@code
 * config}.
 */
record TrainingCheckpoint(int step, String config, float[] weights, float[] mean, float[] square) {

  static void save(Path file, TrainingCheckpoint checkpoint) throws IOException {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    tensors.put("weights", vector(checkpoint.weights()));
    tensors.put("adam.mean", vector(checkpoint.mean()));
    tensors.put("adam.square", vector(checkpoint.square()));
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("step", Integer.toString(checkpoint.step()));
    metadata.put("config", checkpoint.config());
    DurableFiles.write(file, channel -> SafetensorsWriter.write(channel, tensors, metadata));
  }

  static TrainingCheckpoint load(Path file, String config, int size) throws IOException {
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      String written = source.metadata().get("config");
      if (!config.equals(written)) {
        throw new SafetensorsException(
            file, "was written for another model: " + written + "; expected " + config);
      }
      int step;
      try {
        step = Integer.parseInt(source.metadata().getOrDefault("step", ""));
      } catch (NumberFormatException e) {
        throw new SafetensorsException(file, "metadata 'step' is not a number", e);
      }
      return new TrainingCheckpoint(
          step,
          written,
          read(file, source, "weights", size),
          read(file, source, "adam.mean", size),
          read(file, source, "adam.square", size));
    }
  }

  private static HostTensor vector(float[] values) {
    return HostTensor.ofFloats(values, values.length);
  }

  private static float[] read(Path file, SafetensorsFile source, String name, int size)
      throws IOException {
    if (!source.contains(name)) {
      throw new SafetensorsException(file, "has no tensor '" + name + "'");
    }
    float[] values = source.floats(name);
    if (values.length != size) {
      throw new SafetensorsException(
          file, "tensor '%s' has %d values; expected %d".formatted(name, values.length, size));
    }
    return values;
  }
}
