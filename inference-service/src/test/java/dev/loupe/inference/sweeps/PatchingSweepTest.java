package dev.loupe.inference.sweeps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.PassControl;
import dev.loupe.tensor.TensorEngine;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Sweeps against a pass for each cell, held to 1e-4 of the largest magnitude. */
class PatchingSweepTest {
  private static final double TOLERANCE = 1e-4;

  private final NDManager scope = TensorEngine.newManager();
  private final Random random = new Random(5);
  private final List<HookedTransformer> models = new ArrayList<>();

  @AfterEach
  void close() {
    models.forEach(model -> model.ops().close());
    scope.close();
  }

  private HookedTransformer model(int layers, int heads, int dHead, boolean scaledByLayer) {
    int d = heads * dHead;
    GptConfig config =
        new GptConfig(
            layers,
            heads,
            d,
            2 * d + 3,
            12,
            23,
            1e-5,
            Activation.GELU_TANH,
            heads == 2,
            true,
            scaledByLayer,
            -1,
            -1);
    HookedTransformer model =
        heads % 2 == 0
            ? RandomModel.of(scope, config, layers + heads)
            : RandomModel.fused(scope, config, layers + heads);
    models.add(model);
    return model;
  }

  private int[] row(int length) {
    return random.ints(length, 0, 23).toArray();
  }

  /** Rows that agree on the first tokens. */
  private int[] likeUpTo(int shared, int[] row) {
    int[] other = row(row.length);
    System.arraycopy(row, 0, other, 0, shared);
    if (shared < row.length) {
      other[shared] = (row[shared] + 1) % 23;
    }
    return other;
  }

  private static final class Collected implements SweepOutput {
    double clean = Double.NaN;
    double corrupt = Double.NaN;
    int next;
    final List<Double> values = new ArrayList<>();
    final List<Integer> parts = new ArrayList<>();

    Collected(int first) {
      next = first;
    }

    @Override
    public void runs(double cleanMetric, double corruptMetric) {
      clean = cleanMetric;
      corrupt = corruptMetric;
    }

    @Override
    public void cells(int firstCell, double[] metrics) {
      assertThat(clean).isNotNaN();
      assertThat(firstCell).isEqualTo(next);
      Arrays.stream(metrics).forEach(values::add);
      parts.add(metrics.length);
      next += metrics.length;
    }
  }

  private Collected run(HookedTransformer model, SweepRequest request) {
    Collected collected = new Collected(request.firstCell());
    new PatchingSweep(model, request).run(scope, DeviceTurns.OWN, collected);
    return collected;
  }

  private void check(HookedTransformer model, SweepRequest request) {
    Collected fast = run(model, request);
    SlowSweep slow = new SlowSweep(scope, model, request);
    double[] expected = slow.cells();
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    assertThat(fast.clean).isCloseTo(slow.clean(), offset(TOLERANCE * largest));
    assertThat(fast.corrupt).isCloseTo(slow.corrupt(), offset(TOLERANCE * largest));
    assertThat(fast.values).hasSize(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(fast.values.get(i))
          .as("%s %s", request.grid().activation(), request.grid().cell(i))
          .isCloseTo(expected[i], offset(TOLERANCE * largest));
    }
  }

  private SweepGrid grid(
      HookedTransformer model, PatchedActivation activation, boolean byPosition, int length) {
    int heads = activation.isPerHead() ? model.config().heads() : 0;
    return SweepGrid.of(activation, model.config().layers(), byPosition ? length : 0, heads);
  }

  @ParameterizedTest
  @EnumSource(PatchedActivation.class)
  void everyCellIsAsInAPassOfItsOwn(PatchedActivation activation) {
    HookedTransformer model = model(3, 2, 5, false);
    HookedTransformer odd = model(2, 3, 4, true);
    for (boolean byPosition : new boolean[] {true, false}) {
      int[] clean = row(7);
      Metric last = new Metric.LogitDifference(-1, 4, 9);
      check(
          model,
          new SweepRequest(
              clean, likeUpTo(0, clean), grid(model, activation, byPosition, 7), last, 0));
      check(
          odd,
          new SweepRequest(
              clean, likeUpTo(2, clean), grid(odd, activation, byPosition, 7), last, 0));
      Metric inside = new Metric.LogProbability(4, 3);
      check(
          odd,
          new SweepRequest(
              clean, likeUpTo(1, clean), grid(odd, activation, byPosition, 7), inside, 0));
      check(
          model,
          new SweepRequest(
              clean,
              likeUpTo(1, clean),
              grid(model, activation, byPosition, 7),
              new Metric.Loss(),
              0));
    }
  }

  @Test
  void everyMetricIsRead() {
    HookedTransformer model = model(2, 2, 4, false);
    int[] clean = row(6);
    int[] corrupt = likeUpTo(1, clean);
    float[] reference = new float[23];
    Arrays.fill(reference, (float) -Math.log(23));
    for (Metric metric :
        List.of(
            new Metric.Logit(-2, 0),
            new Metric.LogitDifference(5, 22, 1),
            new Metric.LogProbability(-1, 7),
            new Metric.Loss(),
            new Metric.KlDivergence(-1, reference))) {
      check(
          model,
          new SweepRequest(clean, corrupt, grid(model, PatchedActivation.Z, true, 6), metric, 0));
    }
  }

  @Test
  void oneLayerAndOneTokenAreEnough() {
    HookedTransformer model = model(1, 3, 4, false);
    for (PatchedActivation activation : PatchedActivation.values()) {
      check(
          model,
          new SweepRequest(
              new int[] {3},
              new int[] {8},
              grid(model, activation, true, 1),
              new Metric.Logit(0, 2),
              0));
    }
  }

  @Test
  void equalRowsChangeNothing() {
    HookedTransformer model = model(2, 2, 4, false);
    int[] row = row(5);
    SweepGrid grid = grid(model, PatchedActivation.V, false, 5);
    Collected same = run(model, new SweepRequest(row, row, grid, new Metric.Logit(-1, 2), 0));
    assertThat(same.values).hasSize(4).containsOnly(same.corrupt);
  }

  @Test
  void partsOfTheGridAreRunAlone() {
    HookedTransformer model = model(3, 3, 4, false);
    int[] clean = row(8);
    check(
        model,
        new SweepRequest(
            clean,
            likeUpTo(0, clean),
            new SweepGrid(
                PatchedActivation.K, new int[] {0, 2}, new int[] {1, 4, 7}, new int[] {1}),
            new Metric.Logit(-1, 2),
            0));
  }

  @Test
  void aSweepGoesOnWhereItBrokeOff() {
    HookedTransformer model = model(2, 2, 4, false);
    int[] clean = row(6);
    int[] corrupt = likeUpTo(0, clean);
    SweepGrid grid = grid(model, PatchedActivation.Q, true, 6);
    Metric metric = new Metric.Logit(-1, 2);
    List<Double> whole = run(model, new SweepRequest(clean, corrupt, grid, metric, 0)).values;
    for (int first : new int[] {1, 5, 22, 23, 24}) {
      List<Double> rest = run(model, new SweepRequest(clean, corrupt, grid, metric, first)).values;
      assertThat(rest).hasSize(24 - first);
      for (int i = 0; i < rest.size(); i++) {
        assertThat(rest.get(i)).isCloseTo(whole.get(first + i), offset(1e-4));
      }
    }
  }

  @Test
  void longSweepsComeInPartsThatTakeTurns() {
    GptConfig config = GptConfig.gpt2(2, 8, 16, 64, 23, -1);
    HookedTransformer model = RandomModel.of(scope, config, 3);
    int[] clean = row(60);
    SweepRequest request =
        new SweepRequest(
            clean,
            likeUpTo(0, clean),
            SweepGrid.of(PatchedActivation.Z, 2, 60, 8),
            new Metric.Logit(-1, 2),
            0);
    Collected collected = new Collected(0);
    List<Integer> tokens = new ArrayList<>();
    new PatchingSweep(model, request)
        .run(
            scope,
            (rows, ofRows, work) -> {
              tokens.add(ofRows);
              work.accept(PassControl.NONE);
            },
            collected);
    assertThat(collected.values).hasSize(960);
    assertThat(collected.parts).hasSizeGreaterThan(5);
    assertThat(tokens).hasSize(1 + collected.parts.size()).allMatch(count -> count <= 2048);
  }

  @Test
  void aSweepEndsBetweenLayers() {
    HookedTransformer model = model(3, 2, 4, false);
    int[] clean = row(6);
    int[] looks = {0};
    SweepRequest request =
        new SweepRequest(
            clean,
            likeUpTo(0, clean),
            grid(model, PatchedActivation.Z, true, 6),
            new Metric.Logit(-1, 2),
            0);
    Collected collected = new Collected(0);
    assertThatThrownBy(
            () ->
                new PatchingSweep(model, request)
                    .run(
                        scope,
                        (rows, tokens, work) ->
                            work.accept(
                                layer -> {
                                  if (++looks[0] > 5) {
                                    throw new CancellationException();
                                  }
                                }),
                        collected))
        .isInstanceOf(CancellationException.class);
    assertThat(collected.corrupt).isNotNaN();
    assertThat(collected.values).isEmpty();
  }
}
