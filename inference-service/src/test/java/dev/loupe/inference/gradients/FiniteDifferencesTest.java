package dev.loupe.inference.gradients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.metrics.SlowMetric;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.RandomModel;
import dev.loupe.inference.model.SlowTransformer;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.NdArrays;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Gradients of models of other shapes, for rows of other lengths, against differences of a slow,
 * obvious forward pass in double. Float32 results are held to 1e-4 of the largest magnitude at the
 * hook point and row.
 */
class FiniteDifferencesTest {
  private static final double STEP = 1e-5;
  private static final int SAMPLES = 3;

  private static final List<int[]> ROWS =
      List.of(new int[] {3, 1, 4, 1, 5, 9, 2}, new int[] {6, 5}, new int[] {8, 9, 7, 9});

  @TempDir Path folder;
  private final Random random = new Random(29);

  @ParameterizedTest
  @EnumSource(Activation.class)
  void everyActivation(Activation activation) throws IOException {
    check(
        new GptConfig(2, 3, 12, 20, 9, 13, 1e-5, activation, true, true, false, -1, -1),
        List.of(new Metric.LogitDifference(-1, 3, 7), new Metric.Loss(), new Metric.Logit(1, 12)));
  }

  @Test
  void everySwitchOfTheFamily() throws IOException {
    List<Metric> metrics =
        List.of(
            new Metric.Loss(),
            new Metric.KlDivergence(0, uniform(13)),
            new Metric.LogProbability(-2, 5));
    for (int bits = 0; bits < 4; bits++) {
      check(
          new GptConfig(
              2,
              bits % 2 == 0 ? 2 : 6,
              12,
              7,
              9,
              13,
              1e-3,
              Activation.GELU_TANH,
              false,
              (bits & 1) != 0,
              (bits & 2) != 0,
              -1,
              -1),
          metrics);
    }
  }

  private static float[] uniform(int count) {
    float[] logs = new float[count];
    java.util.Arrays.fill(logs, (float) -Math.log(count));
    return logs;
  }

  private void check(GptConfig config, List<Metric> metrics) throws IOException {
    HookPoints points = new HookPoints(config);
    try (RandomModel model = new RandomModel(folder, config, 5);
        TorchBackwardOps ops = new TorchBackwardOps();
        NDManager scope = model.loaded().newScope()) {
      HookProgram.Builder wanted = HookProgram.builder(config);
      points.all().forEach(wanted::capture);
      Gradients gradients =
          new GradientPass(model.transformer(), ops)
              .run(
                  scope,
                  ROWS,
                  metrics,
                  HookProgram.builder(config),
                  wanted.build(),
                  PassControl.NONE);
      for (int row = 0; row < ROWS.size(); row++) {
        double value = difference(model.slow(), null, 0, 0, row, metrics);
        assertThat(gradients.metrics()[row]).isCloseTo(value, offset(1e-4 * Math.abs(value)));
        for (HookPoint point : points.all()) {
          checkRow(model, metrics, row, point, gradients.gradients().capture(point));
        }
      }
    }
  }

  private void checkRow(
      RandomModel model, List<Metric> metrics, int row, HookPoint point, NDArray gradient) {
    RowLayout layout = new RowLayout(point.kind(), model.loaded().config(), 7);
    float[] own = layout.ofRow(NdArrays.floats(gradient), row, ROWS.get(row).length);
    double largest = 0;
    for (float g : own) {
      assertThat(g).as(point.name()).isFinite();
      largest = Math.max(largest, Math.abs(g));
    }
    for (int sample = 0; sample < SAMPLES; sample++) {
      int at = random.nextInt(own.length);
      double up = difference(model.slow(), point, at, STEP, row, metrics);
      double down = difference(model.slow(), point, at, -STEP, row, metrics);
      assertThat((double) own[at])
          .as("%s[%d] of row %d", point, at, row)
          .isCloseTo((up - down) / (2 * STEP), offset(1e-4 * largest + 1e-8));
    }
  }

  /** The metric of a row with one entry of one value moved. */
  private static double difference(
      SlowTransformer slow, HookPoint point, int at, double step, int row, List<Metric> metrics) {
    if (point != null) {
      slow.edit(
          point,
          value -> {
            double[] moved = value.clone();
            moved[at] += step;
            return moved;
          });
    }
    int[] tokens = ROWS.get(row);
    return SlowMetric.of(metrics.get(row), tokens, slow.logits(tokens));
  }
}
