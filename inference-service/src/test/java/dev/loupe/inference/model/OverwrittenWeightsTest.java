package dev.loupe.inference.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.Golden;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Weights of a model that is loaded, written over in their place, as older versions of safetensors
 * save. In a process of its own: one that had mapped the file would be ended by the kernel.
 */
class OverwrittenWeightsTest {
  @TempDir Path folder;

  @Test
  void aLoadedModelStaysWhatItWas() throws Exception {
    for (ComputeType type : ComputeType.values()) {
      Path model = Golden.copyGpt2Tiny(Files.createTempDirectory(folder, "model"));
      List<String> command =
          List.of(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-Xmx256m",
              "-Dai.djl.offline=true",
              "-cp",
              System.getProperty("java.class.path"),
              OverwrittenWeightsTest.class.getName(),
              model.toString(),
              type.name());
      Path said = folder.resolve("said-" + type);
      Process process =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(said.toFile())
              .start();
      int exit = process.waitFor();
      assertThat(exit).as(Files.readString(said)).isZero();
      assertThat(Files.readString(said)).contains("same after both");
    }
  }

  /** Loads the model in the first argument, and spoils its file. */
  public static void main(String[] args) throws Exception {
    Path file = Path.of(args[0], "model.safetensors");
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    String hash = HexFormat.of().formatHex(digest.digest(Files.readAllBytes(file)));
    try (LoadedModel model =
        ModelLoader.load(
            Path.of(args[0]), Optional.empty(), ComputeType.valueOf(args[1]), LoadListener.NONE)) {
      float[] before = logits(model);
      try (RandomAccessFile other = new RandomAccessFile(file.toFile(), "rw")) {
        int from = (int) other.length() / 8;
        other.seek(from);
        byte[] others = "other weights".repeat(100_000).getBytes(StandardCharsets.US_ASCII);
        other.write(others, 0, (int) other.length() - from);
        require(Arrays.equals(before, logits(model)), "the answers changed with the file");
        other.setLength(10);
      }
      require(Arrays.equals(before, logits(model)), "the answers changed with the short file");
      require(model.weightsSha256().equals(hash), "the hash is not that of the weights");
      System.out.println("same after both");
    }
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new IllegalStateException(otherwise);
    }
  }

  private static float[] logits(LoadedModel model) throws IOException {
    try (NDManager scope = model.newScope()) {
      TokenBatch tokens = TokenBatch.of(new int[] {210, 5, 99, 5, 17});
      ForwardResult result = model.transformer().forward(scope, tokens, ForwardOptions.plain());
      return NdArrays.floats(result.requireLogits()).clone();
    }
  }
}
