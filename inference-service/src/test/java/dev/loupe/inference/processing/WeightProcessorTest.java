package dev.loupe.inference.processing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ComputeType;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.LoadListener;
import dev.loupe.inference.model.LoadedModel;
import dev.loupe.inference.model.ModelLoader;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import dev.loupe.testkit.golden.GoldenFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Processed weights of the golden model, held to what an independent float64 implementation gives
 * at every hook point, to 1e-4 of each tensor's largest magnitude.
 */
class WeightProcessorTest {
  @TempDir Path folder;
  private final GoldenFile golden = Golden.gpt2Tiny();
  private Path model;

  @BeforeEach
  void write() throws IOException {
    model = Golden.copyGpt2Tiny(folder);
  }

  private LoadedModel load(WeightProcessing steps) throws IOException {
    return ModelLoader.load(
        model,
        steps.isNone() ? Optional.empty() : Optional.of(new WeightProcessor(steps)),
        ComputeType.F32,
        LoadListener.NONE);
  }

  private TokenBatch tokens() {
    int[] flat = golden.tensor("tokens").ints();
    int width = (int) golden.tensor("tokens").shape()[1];
    int[][] rows = new int[flat.length / width][];
    for (int r = 0; r < rows.length; r++) {
      rows[r] = Arrays.copyOfRange(flat, r * width, (r + 1) * width);
    }
    return TokenBatch.of(rows);
  }

  private void check(String name, NDArray actual) {
    HostTensor value = NdArrays.copy(actual);
    GoldenAssert.assertClose(name, value.shape(), value.toFloats(), golden.tensor(name));
  }

  @Test
  void everyHookPointOfTheProcessedModelIsGolden() throws IOException {
    List<String> names =
        golden.names().stream()
            .filter(name -> name.startsWith("processed/") && !name.equals("processed/logits"))
            .map(name -> name.substring("processed/".length()))
            .toList();
    assertThat(names).hasSize(60);
    try (LoadedModel processed = load(WeightProcessing.ALL);
        NDManager scope = processed.newScope()) {
      HookPoints points = new HookPoints(processed.config());
      HookProgram.Builder program = HookProgram.builder(processed.config());
      names.forEach(name -> program.capture(points.named(name)));
      ForwardResult result =
          processed
              .transformer()
              .forward(scope, tokens(), ForwardOptions.plain().with(program.build()));
      for (String name : names) {
        check("processed/" + name, result.capture(points.named(name)));
      }
      check("processed/logits", result.requireLogits());
    }
  }

  /** Alone, every step but center_unembed leaves the raw model's golden logits as they are. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "none",
        "fold_ln",
        "center_writing_weights",
        "fold_value_biases",
        "fold_value_biases+fold_ln+center_writing_weights"
      })
  void predictionsStayAsTheyAre(String steps) throws IOException {
    try (LoadedModel processed = load(WeightProcessing.parse(steps));
        NDManager scope = processed.newScope()) {
      check(
          "run/logits",
          processed.transformer().forward(scope, tokens(), ForwardOptions.plain()).requireLogits());
    }
  }

  @Test
  void centeringTheUnembeddingMovesEachPositionsLogitsByOneNumber() throws IOException {
    float[] raw = golden.tensor("run/logits").floats();
    int vocabulary = 211;
    float[] expected = raw.clone();
    for (int at = 0; at < raw.length; at += vocabulary) {
      double mean = 0;
      for (int i = 0; i < vocabulary; i++) {
        mean += (double) raw[at + i] / vocabulary;
      }
      for (int i = 0; i < vocabulary; i++) {
        expected[at + i] -= (float) mean;
      }
    }
    double[] wide = new double[expected.length];
    Arrays.setAll(wide, i -> expected[i]);
    try (LoadedModel processed = load(WeightProcessing.parse("center_unembed"));
        NDManager scope = processed.newScope()) {
      float[] actual =
          NdArrays.floats(
              processed
                  .transformer()
                  .forward(scope, tokens(), ForwardOptions.plain())
                  .requireLogits());
      GoldenAssert.assertClose("logits", actual, wide, 1e-4);
    }
  }

  @Test
  void stepsAreNamedInTheirOrder() {
    assertThat(WeightProcessing.parse("all")).isEqualTo(WeightProcessing.ALL);
    assertThat(WeightProcessing.parse("center_unembed + fold_ln"))
        .hasToString("fold_ln+center_unembed");
    assertThat(WeightProcessing.ALL.steps())
        .containsExactly(
            "fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases");
    assertThat(WeightProcessing.NONE).hasToString("none");
    assertThatThrownBy(() -> WeightProcessing.parse("fold_ln+refactor"))
        .hasMessageContaining("\"refactor\"")
        .hasMessageContaining("center_writing_weights");
  }
}
