package dev.loupe.inference.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Metrics against their definitions, one loop at a time in double, and their gradients against
 * finite differences of the same. Float32 results are held to 1e-4 of the largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MetricReaderTest {
  private static final int VOCABULARY = 211;
  private static final HookPoint NORMED = HookPoint.of(HookKind.UNEMBED_IN);

  private TinyModel tiny;
  private NDManager scope;
  private List<int[]> rows;
  private List<Metric> metrics;
  private ForwardResult pass;
  private double[] unembedding;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    tiny = new TinyModel(folder);
    scope = tiny.loaded().newScope();
    int[] long0 = tiny.rows()[0];
    rows =
        List.of(long0, Arrays.copyOf(tiny.rows()[1], 6), tiny.rows()[2], new int[] {4, 5}, long0);
    metrics =
        List.of(
            new Metric.LogitDifference(-1, 3, 7),
            new Metric.Loss(),
            new Metric.LogProbability(4, 200),
            new Metric.Logit(0, 9),
            new Metric.KlDivergence(2, reference()));
    HookProgram program = HookProgram.builder(tiny.loaded().config()).capture(NORMED).build();
    pass =
        tiny.transformer()
            .forward(scope, TokenBatch.of(rows), ForwardOptions.plain().with(program));
    unembedding = Golden.file("gpt2-tiny/model.safetensors").tensor("wte.weight").values();
  }

  @AfterAll
  void close() {
    scope.close();
    tiny.close();
  }

  private static float[] reference() {
    Random random = new Random(5);
    double[] logits = random.doubles(VOCABULARY, -2, 2).toArray();
    double sum = Arrays.stream(logits).map(Math::exp).sum();
    float[] log = new float[VOCABULARY];
    for (int i = 0; i < log.length; i++) {
      log[i] = (float) (logits[i] - Math.log(sum));
    }
    return log;
  }

  private double[][] logits(double[][] normed) {
    double[][] logits = new double[normed.length][VOCABULARY];
    for (int p = 0; p < normed.length; p++) {
      for (int v = 0; v < VOCABULARY; v++) {
        for (int i = 0; i < 32; i++) {
          logits[p][v] += normed[p][i] * unembedding[v * 32 + i];
        }
      }
    }
    return logits;
  }

  /** unembed.hook_in of a row, [pos][d_model]. */
  private double[][] normed(int row) {
    float[] flat = NdArrays.floats(pass.capture(NORMED).get(row));
    double[][] normed = new double[rows.get(row).length][32];
    for (int p = 0; p < normed.length; p++) {
      for (int i = 0; i < 32; i++) {
        normed[p][i] = flat[p * 32 + i];
      }
    }
    return normed;
  }

  private double slow(int row, double[][] normed) {
    return SlowMetric.of(metrics.get(row), rows.get(row), logits(normed));
  }

  @Test
  void valuesAreTheirDefinitionsFromEitherSide() {
    MetricReader reader = new MetricReader(tiny.transformer(), rows, metrics);
    double[] ofNormed = reader.values(reader.pick(pass.capture(NORMED)));
    double[] ofLogits = reader.valuesOfLogits(reader.pick(pass.requireLogits()));
    double[] withGradient = reader.gradient(reader.pick(pass.capture(NORMED))).values();
    for (int row = 0; row < rows.size(); row++) {
      double expected = slow(row, normed(row));
      assertThat(ofNormed[row]).isCloseTo(expected, offset(1e-4));
      assertThat(ofLogits[row]).isCloseTo(expected, offset(1e-4));
      assertThat(withGradient[row]).isCloseTo(expected, offset(1e-4));
    }
  }

  @Test
  void onlyThePositionsThatMatterAreRead() {
    MetricReader reader = new MetricReader(tiny.transformer(), rows, metrics);
    assertThat(reader.places())
        .containsExactly(
            new Place(0, 16),
            new Place(1, 0),
            new Place(1, 1),
            new Place(1, 2),
            new Place(1, 3),
            new Place(1, 4),
            new Place(2, 4),
            new Place(3, 0),
            new Place(4, 2));
  }

  @Test
  void gradientsAreFiniteDifferences() {
    MetricReader reader = new MetricReader(tiny.transformer(), rows, metrics);
    NDArray cotangent = reader.gradient(reader.pick(pass.capture(NORMED))).cotangent();
    NDArray byLogits = reader.gradientOfLogits(reader.pick(pass.requireLogits())).cotangent();
    float[] chained = NdArrays.floats(byLogits.matMul(tiny.transformer().weights().unembedding()));
    float[] actual = NdArrays.floats(cotangent);
    double[] expected = new double[actual.length];
    double step = 1e-5;
    for (int at = 0; at < reader.places().size(); at++) {
      Place place = reader.places().get(at);
      double[][] normed = normed(place.row());
      for (int i = 0; i < 32; i++) {
        double old = normed[place.position()][i];
        normed[place.position()][i] = old + step;
        double up = slow(place.row(), normed);
        normed[place.position()][i] = old - step;
        double down = slow(place.row(), normed);
        normed[place.position()][i] = old;
        expected[at * 32 + i] = (up - down) / (2 * step);
      }
    }
    GoldenAssert.assertClose("by unembed.hook_in", actual, expected, 1e-4);
    GoldenAssert.assertClose("by the logits", chained, expected, 1e-4);
  }

  @Test
  void longRowsAreReadInPieces() {
    int[] row = new int[48];
    Arrays.setAll(row, i -> (i * 31) % VOCABULARY);
    List<int[]> three = List.of(row, row, row);
    List<Metric> losses = List.of(new Metric.Loss(), new Metric.Loss(), new Metric.Loss());
    MetricReader reader = new MetricReader(tiny.transformer(), three, losses);
    assertThat(reader.places()).hasSize(141);
    try (NDManager own = scope.newSubManager()) {
      HookProgram program = HookProgram.builder(tiny.loaded().config()).capture(NORMED).build();
      ForwardResult result =
          tiny.transformer()
              .forward(own, TokenBatch.of(three), ForwardOptions.plain().with(program));
      NDArray normed = reader.pick(result.capture(NORMED));
      MetricGradient gradient = reader.gradient(normed);
      assertThat(gradient.cotangent().getShape().get(0)).isEqualTo(141);
      float[] flat = NdArrays.floats(gradient.cotangent());
      int ofRow = 47 * 32;
      GoldenAssert.assertClose(
          "row 2",
          Arrays.copyOfRange(flat, 2 * ofRow, 3 * ofRow),
          wide(Arrays.copyOf(flat, ofRow)),
          1e-4);
      assertThat(gradient.values()[2]).isCloseTo(gradient.values()[0], offset(1e-5));
      assertThat(reader.values(normed)[1]).isCloseTo(gradient.values()[1], offset(1e-6));
    }
  }

  private static double[] wide(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  @Test
  void refusesWhatTheRowOrTheVocabularyLacks() {
    int[] row = {1, 2, 3};
    refused(new Metric.Logit(3, 1), row, "position is 3", "-3 to 2");
    refused(new Metric.Logit(-4, 1), row, "position is -4", "-3 to 2");
    refused(new Metric.Logit(0, 211), row, "token is 211", "0 to 210");
    refused(new Metric.LogitDifference(0, 1, -1), row, "incorrect_token is -1", "0 to 210");
    refused(new Metric.LogProbability(0, 900), row, "token is 900", "0 to 210");
    refused(new Metric.Loss(), new int[] {1}, "1 token", "at least 2");
    refused(new Metric.KlDivergence(0, new float[4]), row, "has 4 values", "211");
    refused(new Metric.KlDivergence(0, new float[211]), row, "sum to 211", "expected 1");
    float[] broken = reference();
    broken[5] = Float.NaN;
    refused(new Metric.KlDivergence(0, broken), row, "sum to NaN", "expected 1");
  }

  private void refused(Metric metric, int[] row, String... parts) {
    assertThatThrownBy(() -> new MetricReader(tiny.transformer(), List.of(row), List.of(metric)))
        .isInstanceOf(InvalidMetricException.class)
        .hasMessageContainingAll(parts);
  }
}
