package dev.loupe.testkit.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GoldenTest {

  @Test
  void attentionPatternsSumToOne() {
    GoldenTensor pattern = Golden.gpt2Tiny().tensor("run/blocks.1.attn.hook_pattern");
    assertThat(pattern.shape()).containsExactly(3, 4, 17, 17);
    for (int row = 0; row < 3 * 4 * 17; row++) {
      double sum = 0;
      for (int key = 0; key < 17; key++) {
        sum += pattern.values()[row * 17 + key];
      }
      assertThat(sum).isBetween(1 - 1e-6, 1 + 1e-6);
    }
  }

  @Test
  void everyFileIsThere(@TempDir Path folder) throws Exception {
    assertThat(Golden.gpt2Tiny().tensor("tokens").ints()).hasSize(51).doesNotContain(211);
    assertThat(Golden.file("dictionaries.safetensors").metadata()).isNotEmpty();
    assertThat(Golden.file("attribution.safetensors").names()).isNotEmpty();
    assertThat(Golden.file("saelens/topk/expected.safetensors").names())
        .contains("x", "features", "reconstruction");
    assertThat(Files.list(Golden.copyGpt2Tiny(folder)).map(p -> p.getFileName().toString()))
        .containsExactlyInAnyOrder("config.json", "model.safetensors");
    assertThatThrownBy(() -> Golden.bytes("absent")).hasMessageContaining("'absent'");
    assertThatThrownBy(() -> Golden.gpt2Tiny().tensor("absent")).hasMessageContaining("'absent'");
  }

  @Test
  void comparisonFailsBeyondTheTolerance() {
    GoldenTensor expected =
        new GoldenTensor(new long[] {3}, new double[] {10, -1, Double.NEGATIVE_INFINITY});
    float hidden = Float.NEGATIVE_INFINITY;
    long[] shape = {3};
    assertThatCode(
            () ->
                GoldenAssert.assertClose(
                    "t", shape, new float[] {10.0009f, -0.9991f, hidden}, expected))
        .doesNotThrowAnyException();
    for (float[] wrong :
        new float[][] {
          {10.002f, -1, hidden}, {10, -1, -1e30f}, {10, hidden, hidden}, {10, Float.NaN, hidden}
        }) {
      assertThatThrownBy(() -> GoldenAssert.assertClose("t", shape, wrong, expected))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("t[");
    }
    assertThatThrownBy(
            () -> GoldenAssert.assertClose("t", new long[] {1, 3}, new float[3], expected))
        .hasMessageContaining("[1, 3]");
  }
}
