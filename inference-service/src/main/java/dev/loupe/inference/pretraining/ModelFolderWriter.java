package dev.loupe.inference.pretraining;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.server.files.DurableFiles;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.SafetensorsWriter;
import dev.loupe.tensor.ShardedSafetensors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes trained weights as a Hugging Face GPT-2 folder. */
final class ModelFolderWriter {
  private ModelFolderWriter() {}

  static void write(Path folder, GptConfig config, ParameterLayout layout, float[] weights)
      throws IOException {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (ParameterLayout.Slot slot : layout.slots()) {
      tensors.put(fileName(slot), tensor(slot, weights));
    }
    DurableFiles.write(
        folder.resolve(ShardedSafetensors.SINGLE),
        channel -> SafetensorsWriter.write(channel, tensors, Map.of("format", "pt")));
    DurableFiles.write(
        folder.resolve("config.json"), config.toJson().getBytes(StandardCharsets.UTF_8));
  }

  private static String fileName(ParameterLayout.Slot slot) {
    return slot.name().startsWith("lm_head") ? slot.name() : "transformer." + slot.name();
  }

  private static HostTensor tensor(ParameterLayout.Slot slot, float[] weights) {
    int from = slot.offset();
    if (!slot.transposed()) {
      float[] values = java.util.Arrays.copyOfRange(weights, from, from + slot.size());
      return HostTensor.ofFloats(values, slot.shape());
    }
    int out = (int) slot.shape()[0];
    int in = (int) slot.shape()[1];
    float[] values = new float[slot.size()];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        values[i * out + o] = weights[from + o * in + i];
      }
    }
    return HostTensor.ofFloats(values, in, out);
  }
}
