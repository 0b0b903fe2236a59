package dev.loupe.inference.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import dev.loupe.testkit.golden.GoldenTensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Losses and attribution of the tiny model against what was computed elsewhere in float64, to 1e-4
 * of each tensor's largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GoldenAnalysisTest {
  private TinyModel tiny;
  private NDManager scope;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    tiny = new TinyModel(folder);
    scope = tiny.loaded().newScope();
  }

  @AfterAll
  void close() {
    scope.close();
    tiny.close();
  }

  private GoldenTensor golden(String name) {
    return tiny.golden().tensor(name);
  }

  @Test
  void lossPerToken() {
    NDArray logits = tiny.run(scope, HookProgram.none()).requireLogits();
    List<float[]> losses = TokenLosses.of(logits, TokenBatch.of(tiny.rows()));
    GoldenAssert.assertClose("loss_per_token", flat(losses), golden("loss_per_token"));
  }

  @Test
  void lossOfARaggedBatchIsThatOfItsRows() {
    int[] shortRow = Arrays.copyOf(tiny.rows()[1], 6);
    TokenBatch batch = TokenBatch.of(tiny.rows()[0], shortRow, new int[] {4});
    NDArray logits =
        tiny.transformer()
            .forward(scope, batch, dev.loupe.inference.model.ForwardOptions.plain())
            .requireLogits();
    List<float[]> losses = TokenLosses.of(logits, batch);
    double[] expected = golden("loss_per_token").values();
    assertThat(losses).hasSize(3);
    GoldenAssert.assertClose("row 0", losses.get(0), Arrays.copyOf(expected, 16), 1e-4);
    GoldenAssert.assertClose("row 1", losses.get(1), Arrays.copyOfRange(expected, 16, 21), 1e-4);
    assertThat(losses.get(2)).isEmpty();
  }

  @Test
  void directLogitAttribution() throws Exception {
    LogitAttribution.Split split =
        new LogitAttribution(tiny.transformer())
            .split(scope, tiny.rows()[0], -1, 3, OptionalInt.of(7), 400, PassControl.NONE);
    Map<String, Double> byComponent = new LinkedHashMap<>();
    for (LogitAttribution.Contribution part : split.contributions()) {
      String layer = part.component().replaceFirst("^L(\\d+)H\\d+$", "$1_attn_out");
      byComponent.merge(layer.replace("_attn_bias", "_attn_out"), part.logit(), Double::sum);
    }
    JsonNode notes = new ObjectMapper().readTree(Golden.bytes("gpt2-tiny/golden.json"));
    double[] expected = golden("dla/logit_diff_components").values();
    List<Float> actual = new ArrayList<>();
    notes.get("dla_components").forEach(n -> actual.add(byComponent.get(n.asText()).floatValue()));
    GoldenAssert.assertClose("dla", floats(actual), expected, Golden.TOLERANCE);
    assertThat(byComponent).hasSize(expected.length);
    assertThat(split.bias()).isCloseTo(notes.get("dla_bias_term").asDouble(), offset(1e-4));
    assertThat(LogitAttribution.sum(split)).isCloseTo(split.total(), offset(1e-3));
    double[] logits = golden("run/logits").values();
    assertThat(split.total()).isCloseTo(logits[16 * 211 + 3] - logits[16 * 211 + 7], offset(1e-4));
    assertNeuronsAddUp(split, byComponent);
  }

  /** Each MLP is the sum of its neurons and its bias, here by the whole product in double. */
  private void assertNeuronsAddUp(LogitAttribution.Split split, Map<String, Double> byComponent) {
    assertThat(split.neurons()).hasSize(3 * 128); // fewer than were asked for: all of them
    var weights = Golden.file("gpt2-tiny/model.safetensors");
    double[] wte = weights.tensor("wte.weight").values();
    double[] norm = weights.tensor("ln_f.weight").values();
    double scale = golden("run/ln_final.hook_scale").values()[16];
    double[] direction = new double[32];
    double mean = 0;
    for (int i = 0; i < 32; i++) {
      direction[i] = (wte[3 * 32 + i] - wte[7 * 32 + i]) * norm[i];
      mean += direction[i] / 32;
    }
    double previous = Double.POSITIVE_INFINITY;
    double[] sums = new double[3];
    for (int layer = 0; layer < 3; layer++) {
      double[] bias = weights.tensor("h." + layer + ".mlp.c_proj.bias").values();
      for (int i = 0; i < 32; i++) {
        sums[layer] += bias[i] * (direction[i] - mean) / scale;
      }
    }
    for (LogitAttribution.NeuronContribution neuron : split.neurons()) {
      String layer = "" + neuron.layer();
      double[] out = weights.tensor("h." + layer + ".mlp.c_proj.weight").values();
      double post =
          golden("run/blocks." + layer + ".mlp.hook_post").values()[16 * 128 + neuron.neuron()];
      double expected = 0;
      for (int i = 0; i < 32; i++) {
        expected += post * out[neuron.neuron() * 32 + i] * (direction[i] - mean) / scale;
      }
      assertThat(neuron.logit()).isCloseTo(expected, offset(1e-4));
      assertThat(Math.abs(neuron.logit())).isLessThanOrEqualTo(previous);
      previous = Math.abs(neuron.logit());
      sums[neuron.layer()] += neuron.logit();
    }
    for (int layer = 0; layer < 3; layer++) {
      assertThat(sums[layer]).isCloseTo(byComponent.get(layer + "_mlp_out"), offset(1e-4));
    }
  }

  @Test
  void lensAtTheLastLayerIsTheModelItself() {
    int[] row = tiny.rows()[2];
    List<LensLayer> layers =
        new LogitLens(tiny.transformer())
            .read(scope, row, List.of(-1, 3), 4, List.of(9, 200), PassControl.NONE);
    assertThat(layers)
        .extracting(layer -> layer.point().name())
        .containsExactly(
            "blocks.0.hook_resid_pre",
            "blocks.0.hook_resid_post",
            "blocks.1.hook_resid_post",
            "blocks.2.hook_resid_post");
    double[] logits = golden("run/logits").values();
    double bound = golden("run/logits").largest() * Golden.TOLERANCE;
    LensLayer.Position last = layers.get(3).positions().get(0);
    assertThat(last.position()).isEqualTo(16);
    int at = (2 * 17 + 16) * 211;
    assertThat(last.tracked().get(0).logit())
        .isCloseTo((float) logits[at + 9], offset((float) bound));
    double[] ofPosition = Arrays.copyOfRange(logits, at, at + 211);
    int best = 0;
    double normalizer = 0;
    for (int i = 0; i < 211; i++) {
      best = ofPosition[i] > ofPosition[best] ? i : best;
      normalizer += Math.exp(ofPosition[i]);
    }
    assertThat(last.top()).hasSize(4);
    assertThat(last.top().get(0).id()).isEqualTo(best);
    assertThat(last.top().get(0).probability())
        .isCloseTo((float) (Math.exp(ofPosition[best]) / normalizer), offset(1e-3f));
  }

  @Test
  void lensInTheMiddleNormalisesTheStreamItself() {
    int[] row = tiny.rows()[0];
    LensLayer.Position actual =
        new LogitLens(tiny.transformer())
            .read(scope, row, List.of(5), 1, List.of(33), PassControl.NONE)
            .get(1)
            .positions()
            .get(0);
    // By hand in double from the golden residual stream and the stored weights.
    var weights = Golden.file("gpt2-tiny/model.safetensors");
    double[] resid = Arrays.copyOfRange(golden("run/blocks.0.hook_resid_post").values(), 160, 192);
    double mean = Arrays.stream(resid).average().orElseThrow();
    double variance =
        Arrays.stream(resid).map(x -> (x - mean) * (x - mean)).average().orElseThrow();
    double[] w = weights.tensor("ln_f.weight").values();
    double[] b = weights.tensor("ln_f.bias").values();
    double[] wte = weights.tensor("wte.weight").values();
    double logit = 0;
    for (int i = 0; i < 32; i++) {
      logit += ((resid[i] - mean) / Math.sqrt(variance + 1e-5) * w[i] + b[i]) * wte[33 * 32 + i];
    }
    assertThat((double) actual.tracked().get(0).logit()).isCloseTo(logit, offset(1e-3));
  }

  @Test
  void projectionIsTheProductWithTheUnembedding() {
    float[] directions = new float[64];
    directions[4] = 2;
    directions[32 + 9] = -1;
    List<VocabularyProjection.Ends> ends =
        new VocabularyProjection(tiny.transformer()).project(scope, directions, 3);
    double[] wte = Golden.file("gpt2-tiny/model.safetensors").tensor("wte.weight").values();
    assertThat(ends).hasSize(2);
    int best = 0;
    int worst = 0;
    for (int id = 0; id < 211; id++) {
      best = wte[id * 32 + 4] > wte[best * 32 + 4] ? id : best;
      worst = wte[id * 32 + 4] < wte[worst * 32 + 4] ? id : worst;
    }
    assertThat(ends.get(0).top().get(0).id()).isEqualTo(best);
    assertThat((double) ends.get(0).top().get(0).logit())
        .isCloseTo(2 * wte[best * 32 + 4], offset(1e-5));
    assertThat(ends.get(0).bottom().get(0).id()).isEqualTo(worst);
    assertThat(ends.get(1).top()).hasSize(3);
  }

  @Test
  void refusesWhatIsNotThere() {
    LogitLens lens = new LogitLens(tiny.transformer());
    assertThatThrownBy(
            () -> lens.read(scope, new int[] {1, 2}, List.of(2), 1, List.of(), PassControl.NONE))
        .isInstanceOf(PositionOutOfRangeException.class)
        .hasMessageContaining("position is 2")
        .hasMessageContaining("-2 to 1");
    assertThatThrownBy(
            () -> lens.read(scope, new int[] {1, 2}, List.of(), 1, List.of(211), PassControl.NONE))
        .hasMessageContaining("tracked_tokens holds 211");
    VocabularyProjection projection = new VocabularyProjection(tiny.transformer());
    assertThatThrownBy(() -> projection.project(scope, new float[31], 1))
        .hasMessageContaining("31 values");
    float[] infinite = new float[32];
    infinite[3] = Float.POSITIVE_INFINITY;
    assertThatThrownBy(() -> projection.project(scope, infinite, 1)).hasMessageContaining("finite");
  }

  @Test
  void topTokensAreOrderedWithTiesByLowerId() {
    LogitRow row = new LogitRow(new float[] {1, 3, 3, -1, 3});
    assertThat(row.top(4)).extracting(TokenScore::id).containsExactly(1, 2, 4, 0);
    assertThat(row.top(9)).hasSize(5);
    assertThat(row.top(9).stream().mapToDouble(TokenScore::probability).sum())
        .isCloseTo(1, offset(1e-6));
  }

  private static float[] flat(List<float[]> rows) {
    List<Float> values = new ArrayList<>();
    for (float[] row : rows) {
      for (float value : row) {
        values.add(value);
      }
    }
    return floats(values);
  }

  private static float[] floats(List<Float> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }
}
