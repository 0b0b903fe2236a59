package dev.loupe.standalone.pretrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PretrainRunTest {
  private static final PretrainSettings TINY =
      new PretrainSettings(3, 400, 200, 2, 2, 32, 32, 4, 40 * 4 * 32, 30 * 4 * 32, 3e-3, 0.25, 0.5);
  private static final PretrainRun.Cadence OFTEN = new PretrainRun.Cadence(10, 20, Duration.ZERO);

  @TempDir private Path folder;

  @Test
  void runLeavesAModelFolderAndLearns() throws Exception {
    ProbeResult result = run(folder, false, new StringWriter());

    for (String file :
        List.of("config.json", "model.safetensors", "tokenizer.json", "pretraining.json")) {
      assertThat(folder.resolve(file)).isNotEmptyFile();
    }
    assertThat(PretrainRun.settingsOf(folder)).isEqualTo(TINY);
    assertThat(result.statesAsked()).isEqualTo(50);
    assertThat(result.statesCorrect()).isBetween(0, 50);
    // A model that knows nothing has the logarithm of its vocabulary's size.
    assertThat(result.heldOutLoss()).isLessThan(Math.log(TINY.vocabulary()) - 0.3);
    assertThat(result.inductionScore()).isBetween(0.0, 1.0);
    assertThat(Files.readString(folder.resolve("README.md")))
        .contains("| layers, heads, width | 2, 2, 32 |")
        .contains("US state capitals");
  }

  @Test
  void logHasALineForEachTenStepsAndEachProbe() throws Exception {
    run(folder, false, new StringWriter());
    List<JsonNode> lines = log();
    assertThat(
            lines.stream().filter(line -> line.has("loss")).map(line -> line.get("step").asInt()))
        .containsExactly(10, 20, 30, 40);
    assertThat(
            lines.stream()
                .filter(line -> line.has("held_out_loss"))
                .map(line -> line.get("step").asInt()))
        .containsExactly(20, 40);
  }

  @Test
  void interruptedRunGoesOnToTheSameWeights(@TempDir Path other) throws Exception {
    run(folder, false, new StringWriter());
    assertThatThrownBy(() -> run(other, false, new FailingWriter(4)))
        .isInstanceOf(FailingWriter.Full.class);
    run(other, true, new StringWriter());
    assertThat(Files.readAllBytes(other.resolve("model.safetensors")))
        .isEqualTo(Files.readAllBytes(folder.resolve("model.safetensors")));
    assertThat(Files.readAllBytes(other.resolve("tokenizer.json")))
        .isEqualTo(Files.readAllBytes(folder.resolve("tokenizer.json")));
  }

  @Test
  void settingsThatMakeNoModelAreRefused() {
    assertThatThrownBy(
            () -> new PretrainSettings(1, 400, 1, 2, 3, 32, 32, 4, 4_096, 4_096, 1e-3, 0.2, 0.2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--width is 32")
        .hasMessageContaining("--heads");
    assertThatThrownBy(
            () -> new PretrainSettings(1, 400, 1, 2, 2, 32, 32, 4, 10, 10, 1e-3, 0.2, 0.2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--tokens is 10");
  }

  private List<JsonNode> log() throws Exception {
    ObjectMapper json = new ObjectMapper();
    return Files.readAllLines(folder.resolve("training-log.jsonl")).stream()
        .map(
            line -> {
              try {
                return json.readTree(line);
              } catch (JsonProcessingException e) {
                throw new AssertionError(line, e);
              }
            })
        .toList();
  }

  private static ProbeResult run(Path folder, boolean resume, Writer out) throws Exception {
    return new PretrainRun(folder, TINY, OFTEN, new PrintWriter(out, true)).run(resume);
  }

  /** Stops a run in its middle: it takes some flushes and then fails. */
  private static final class FailingWriter extends StringWriter {
    private static final class Full extends RuntimeException {
      private static final long serialVersionUID = 1L;
    }

    private int left;

    FailingWriter(int left) {
      this.left = left;
    }

    @Override
    public void flush() {
      if (left-- == 0) {
        throw new Full();
      }
    }
  }
}
