package dev.loupe.inference.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.gradients.GradientPass;
import dev.loupe.inference.gradients.Gradients;
import dev.loupe.inference.gradients.TorchBackwardOps;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.InvalidInterventionException;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every kind of edit of attention scores and patterns gives a row the same whatever runs beside it:
 * longer rows of its own batch, a wider request in the same pass, longer prompts of the same
 * generation. Values may differ by what products of other shapes round, as a share of the largest
 * magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MapEditsTest {
  private static final double ROUNDING = 2e-5;
  private static final int HEADS = 2;
  private static final int CONTEXT = 14;
  private static final GptConfig SHAPE =
      new GptConfig(
          2, HEADS, 8, 16, CONTEXT, 13, 1e-5, Activation.GELU_TANH, true, true, false, -1, -1);
  private static final List<int[]> ROWS =
      List.of(new int[] {5, 6}, new int[] {7, 8, 9, 10, 3}, new int[] {4}, new int[] {1, 2, 11});

  private RandomModel random;
  private List<HookedTransformer> models;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    random = new RandomModel(folder, SHAPE, 8);
    HookedTransformer fused = random.transformer();
    models = List.of(fused, new HookedTransformer(SHAPE, fused.weights(), new NdTransformerOps()));
  }

  @AfterAll
  void close() {
    random.close();
  }

  private static List<HookPoint> maps() {
    return List.of(
        HookPoint.of(HookKind.ATTN_SCORES, 0),
        HookPoint.of(HookKind.ATTN_SCORES, 1),
        HookPoint.of(HookKind.PATTERN, 0),
        HookPoint.of(HookKind.PATTERN, 1));
  }

  private static List<Selection> selections() {
    return List.of(
        Selection.ALL,
        Selection.ofPositions(-1),
        Selection.ofHeads(1),
        Selection.ofNeurons(0),
        Selection.ofNeurons(1, 2),
        new Selection(List.of(0, -1), List.of(0), List.of(), List.of(0, 3)));
  }

  /** Edits that look at their own row only. */
  private static List<Edit> ownRow(HookPoint point) {
    List<Edit> edits = new ArrayList<>();
    edits.add(new Edit.Zero());
    for (float factor : new float[] {-1, -0.5f, 0, 0.5f, 3}) {
      edits.add(new Edit.Scale(factor));
    }
    edits.add(new Edit.SetValue(new float[] {0.25f}));
    if (point.kind() == HookKind.ATTN_SCORES) {
      edits.add(new Edit.SetValue(new float[] {Float.NEGATIVE_INFINITY}));
    }
    edits.add(new Edit.Patch(new Edit.Source.Given(given(7)), List.of()));
    return edits;
  }

  private static HostTensor given(int length) {
    Random values = new Random(length);
    float[] flat = new float[HEADS * length * length];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = (float) values.nextGaussian();
    }
    return HostTensor.ofFloats(flat, HEADS, length, length);
  }

  /** What looks at other rows too; these name the rows that they look at, or all there are. */
  private static List<Edit> acrossRows() {
    return List.of(
        new Edit.BatchMean(true),
        new Edit.BatchMean(false),
        new Edit.Patch(new Edit.Source.Row(1), List.of()));
  }

  static Stream<Arguments> own() {
    return cases(MapEditsTest::ownRow);
  }

  static Stream<Arguments> across() {
    return cases(point -> acrossRows());
  }

  private static Stream<Arguments> cases(Function<HookPoint, List<Edit>> edits) {
    return maps().stream()
        .flatMap(
            point ->
                edits.apply(point).stream()
                    .map(edit -> Arguments.of(point, edit.toString(), edit)));
  }

  private static HookProgram program(HookPoint point, Selection selection, Edit edit) {
    HookProgram.Builder program = HookProgram.builder(SHAPE);
    program.intervene(new Intervention(point, selection, edit));
    for (int layer = 0; layer < SHAPE.layers(); layer++) {
      program.capture(HookPoint.of(HookKind.PATTERN, layer));
      program.capture(HookPoint.of(HookKind.RESID_POST, layer));
    }
    return program.build();
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("own")
  void aRowIsAsAlone(HookPoint point, String name, Edit edit) {
    for (HookedTransformer model : models) {
      for (Selection selection : selections()) {
        HookProgram program = program(point, selection, edit);
        ForwardOptions options = ForwardOptions.plain().with(program);
        try (NDManager scope = random.loaded().newScope()) {
          ForwardResult together = model.forward(scope, TokenBatch.of(ROWS), options);
          for (int row = 0; row < ROWS.size(); row++) {
            ForwardResult alone = model.forward(scope, TokenBatch.of(ROWS.get(row)), options);
            same("row " + row + " of " + selection, together, row, alone, 0);
          }
        }
      }
    }
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource({"own", "across"})
  void aRequestIsAsWithoutAWiderOneBesideIt(HookPoint point, String name, Edit edit) {
    List<int[]> rows = List.of(new int[] {5, 6, 1}, new int[] {7, 8, 9, 10}, new int[] {3, 4, 2});
    TokenBatch wide = TokenBatch.of(new int[] {1, 2, 3, 4, 5, 6, 7}, new int[] {9});
    for (HookedTransformer model : models) {
      for (Selection selection : selections()) {
        HookProgram program = program(point, selection, edit);
        try (NDManager scope = random.loaded().newScope()) {
          TokenBatch batch = TokenBatch.of(rows);
          ForwardResult alone = model.forward(scope, batch, ForwardOptions.plain().with(program));
          ForwardResult shared =
              model
                  .forwardTogether(
                      List.of(
                          new PassMember(scope, wide, HookProgram.none(), LogitsMode.ALL),
                          new PassMember(scope, batch, program, LogitsMode.ALL)),
                      PassControl.NONE)
                  .get(1);
          for (int row = 0; row < rows.size(); row++) {
            same("row " + row + " of " + selection, shared, row, alone, row);
          }
        }
      }
    }
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("own")
  void aTextIsAsAlone(HookPoint point, String name, Edit edit) {
    int steps = 3;
    for (HookedTransformer model : models) {
      for (Selection selection : selections()) {
        HookProgram program = program(point, selection, edit);
        try (NDManager scope = random.loaded().newScope()) {
          List<ForwardResult> together = steps(model, scope, ROWS, program, steps);
          for (int row = 0; row < ROWS.size(); row++) {
            List<ForwardResult> alone = steps(model, scope, List.of(ROWS.get(row)), program, steps);
            for (int step = 0; step <= steps; step++) {
              same(
                  "row %d, step %d of %s".formatted(row, step, selection),
                  together.get(step),
                  row,
                  alone.get(step),
                  0);
            }
          }
        }
      }
    }
  }

  private static List<ForwardResult> steps(
      HookedTransformer model, NDManager scope, List<int[]> rows, HookProgram program, int steps) {
    int longest = rows.stream().mapToInt(row -> row.length).max().orElseThrow();
    List<ForwardResult> results = new ArrayList<>();
    try (KvCache cache = new KvCache(scope, SHAPE, rows.size(), longest + steps)) {
      ForwardOptions options = ForwardOptions.plain().with(program).with(cache);
      results.add(model.forward(scope, TokenBatch.of(rows), options));
      for (int step = 0; step < steps; step++) {
        int[] next = {(step + 3) % SHAPE.vocabularySize()};
        results.add(
            model.forward(scope, TokenBatch.of(Collections.nCopies(rows.size(), next)), options));
      }
    }
    return results;
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("own")
  void gradientsOfARowAreAsAlone(HookPoint point, String name, Edit edit) {
    HookPoint embed = HookPoint.of(HookKind.EMBED);
    HookProgram asked = HookProgram.builder(SHAPE).capture(embed).build();
    try (TorchBackwardOps ops = new TorchBackwardOps();
        NDManager scope = random.loaded().newScope()) {
      GradientPass pass = new GradientPass(models.get(0), ops);
      for (Selection selection : selections()) {
        Intervention intervention = new Intervention(point, selection, edit);
        NDArray together = gradients(pass, scope, ROWS, intervention, asked).get(embed);
        for (int row = 0; row < ROWS.size(); row++) {
          List<int[]> own = List.of(ROWS.get(row));
          NDArray alone = gradients(pass, scope, own, intervention, asked).get(embed);
          close(
              "row " + row + " of " + selection,
              corner(together, row, alone),
              NdArrays.floats(alone.get(0)));
        }
      }
    }
  }

  private static Map<HookPoint, NDArray> gradients(
      GradientPass pass,
      NDManager scope,
      List<int[]> rows,
      Intervention intervention,
      HookProgram asked) {
    List<Metric> metrics = Collections.nCopies(rows.size(), new Metric.LogitDifference(-1, 3, 7));
    Gradients gradients =
        pass.run(
            scope,
            rows,
            metrics,
            HookProgram.builder(SHAPE).intervene(intervention),
            asked,
            PassControl.NONE);
    return gradients.gradients().captures();
  }

  /** By arithmetic of its own from the scores as they are without the edit. */
  @Test
  void scoresScaledByANegativeFactorGiveTheSoftmaxOfTheirNegatives() {
    HookPoint scores = HookPoint.of(HookKind.ATTN_SCORES, 0);
    HookPoint pattern = HookPoint.of(HookKind.PATTERN, 0);
    HookProgram plain = HookProgram.builder(SHAPE).capture(scores).build();
    for (HookedTransformer model : models) {
      try (NDManager scope = random.loaded().newScope()) {
        TokenBatch rows = TokenBatch.of(new int[] {5, 6}, new int[] {7, 8, 9, 10});
        NDArray before =
            model.forward(scope, rows, ForwardOptions.plain().with(plain)).capture(scores);
        NDArray after =
            model
                .forward(
                    scope,
                    rows,
                    ForwardOptions.plain().with(program(scores, Selection.ALL, new Edit.Scale(-1))))
                .capture(pattern);
        for (int head = 0; head < HEADS; head++) {
          double first = Math.exp(-before.getFloat(0, head, 1, 0));
          double second = Math.exp(-before.getFloat(0, head, 1, 1));
          assertThat(floats(after, 0, head, 1))
              .usingComparatorWithPrecision(1e-5f)
              .containsExactly(
                  (float) (first / (first + second)), (float) (second / (first + second)), 0, 0);
          // A hidden key's score becomes +infinity, as in TransformerLens: the query sees nothing.
          assertThat(floats(after, 0, head, 0)).containsOnly(0);
        }
      }
    }
  }

  @Test
  void scoresScaledByNothingHideWhatIsAheadAndZeroShowsIt() {
    HookPoint scores = HookPoint.of(HookKind.ATTN_SCORES, 0);
    HookPoint pattern = HookPoint.of(HookKind.PATTERN, 0);
    for (HookedTransformer model : models) {
      try (NDManager scope = random.loaded().newScope()) {
        TokenBatch rows = TokenBatch.of(new int[] {5, 6}, new int[] {7, 8, 9, 10});
        NDArray scaled =
            model
                .forward(
                    scope,
                    rows,
                    ForwardOptions.plain().with(program(scores, Selection.ALL, new Edit.Scale(0))))
                .capture(pattern);
        assertThat(floats(scaled, 0, 1, 0)).containsOnly(0);
        assertThat(floats(scaled, 0, 1, 1)).containsExactly(0.5f, 0.5f, 0, 0);
        NDArray zeroed =
            model
                .forward(
                    scope,
                    rows,
                    ForwardOptions.plain().with(program(scores, Selection.ALL, new Edit.Zero())))
                .capture(pattern);
        assertThat(floats(zeroed, 0, 1, 0)).containsExactly(0.5f, 0.5f, 0, 0);
        assertThat(floats(zeroed, 1, 1, 0)).containsOnly(0.25f);
      }
    }
  }

  @Test
  void aPatchWithFewerKeysThanARowIsRefused() {
    HookPoint pattern = HookPoint.of(HookKind.PATTERN, 1);
    Edit patch =
        new Edit.Patch(
            new Edit.Source.Given(HostTensor.ofFloats(new float[4], 2, 2, 1)), List.of());
    HookProgram program = program(pattern, Selection.ALL, patch);
    try (NDManager scope = random.loaded().newScope()) {
      ForwardOptions options = ForwardOptions.plain().with(program);
      assertThatThrownBy(
              () -> models.get(0).forward(scope, TokenBatch.of(new int[] {5, 6}), options))
          .isInstanceOf(InvalidInterventionException.class)
          .hasMessageContaining("has 1 keys; expected 2 or more");
    }
  }

  private static float[] floats(NDArray map, int row, int head, int query) {
    return NdArrays.floats(map.get(new NDIndex("{}, {}, {}", row, head, query)));
  }

  private static void same(
      String what, ForwardResult actual, int row, ForwardResult expected, int of) {
    close(
        what + ", logits",
        corner(actual.requireLogits(), row, expected.requireLogits()),
        NdArrays.floats(expected.requireLogits().get(of)));
    expected
        .captures()
        .forEach(
            (point, value) ->
                close(
                    what + ", " + point,
                    corner(actual.capture(point), row, value),
                    NdArrays.floats(value.get(of))));
  }

  /** The part of a row's value that has the shape of another's. */
  private static float[] corner(NDArray value, int row, NDArray shaped) {
    NDIndex index = new NDIndex("{}", row);
    for (int axis = 1; axis < shaped.getShape().dimension(); axis++) {
      index.addSliceDim(0, shaped.getShape().get(axis));
    }
    return NdArrays.floats(value.get(index));
  }

  private static void close(String what, float[] actual, float[] expected) {
    double largest = 1e-3;
    for (float value : expected) {
      assertThat(value).as(what).isFinite();
      largest = Math.max(largest, Math.abs(value));
    }
    assertThat(actual).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertThat((double) actual[i])
          .as("%s at %d", what, i)
          .isCloseTo(expected[i], offset(ROUNDING * largest));
    }
  }
}
