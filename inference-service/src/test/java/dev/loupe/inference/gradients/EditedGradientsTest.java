package dev.loupe.inference.gradients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.metrics.SlowMetric;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.RandomModel;
import dev.loupe.inference.model.SlowTransformer;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.inference.model.hooks.SlowEdits;
import dev.loupe.tensor.NdArrays;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Gradients through every kind of edit at every kind of hook point, in a batch of rows of different
 * lengths: at the edited value, and at the embedding before it, against differences of the slow
 * model and the slow edits in double. Float32 results are held to 1e-4 of the largest magnitude at
 * the hook point.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EditedGradientsTest {
  private static final GptConfig SHAPE =
      new GptConfig(2, 3, 12, 20, 9, 13, 1e-5, Activation.GELU_TANH, true, true, false, -1, -1);
  private static final double STEP = 1e-5;
  private static final int SAMPLES = 2;
  private static final HookPoint EMBED = HookPoint.of(HookKind.EMBED);
  private static final List<int[]> ROWS =
      List.of(new int[] {3, 1, 4, 1, 5, 9}, new int[] {6, 5}, new int[] {8, 9, 7, 9});
  private static final List<Metric> METRICS =
      List.of(new Metric.LogitDifference(-1, 3, 7), new Metric.Loss(), new Metric.Logit(1, 5));
  private static final PassRows LENGTHS = PassRows.of(new int[] {6, 2, 4});

  private final Random random = new Random(41);
  private final TorchBackwardOps ops = new TorchBackwardOps();
  private RandomModel model;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    model = new RandomModel(folder, SHAPE, 6);
  }

  @AfterAll
  void close() {
    model.close();
    ops.close();
  }

  @ParameterizedTest
  @EnumSource(HookKind.class)
  void everyEditAt(HookKind kind) {
    HookPoint point = kind.isPerLayer() ? HookPoint.of(kind, 1) : HookPoint.of(kind);
    for (Intervention edit : edits(point)) {
      check(edit, List.of(EMBED, edit.point()), SAMPLES);
    }
  }

  /** One entry of the gradient at every hook point that an edit leaves. */
  @ParameterizedTest
  @EnumSource(HookKind.class)
  void everyGradientAroundAnEditAt(HookKind kind) {
    HookPoint point = kind.isPerLayer() ? HookPoint.of(kind, 0) : HookPoint.of(kind);
    List<HookPoint> all = new HookPoints(SHAPE).all();
    List<HookPoint> possible = all.stream().filter(other -> !excludes(point, other)).toList();
    assertThat(possible).hasSizeGreaterThanOrEqualTo(all.size() - 7);
    check(new Intervention(point, Selection.ALL, new Edit.Scale(0.7f)), possible, 1);
  }

  /** Heads have layer norms of their own, or one for all. */
  private static boolean excludes(HookPoint edit, HookPoint gradient) {
    if (edit.layer() != gradient.layer()) {
      return false;
    }
    return (edit.kind().isHeadInput() && isLn1(gradient.kind()))
        || (isLn1(edit.kind()) && gradient.kind().isHeadInput());
  }

  private static boolean isLn1(HookKind kind) {
    return kind.isSharedHeadInput();
  }

  private List<Intervention> edits(HookPoint point) {
    HookKind kind = point.kind();
    int width = new RowLayout(kind, SHAPE, 6).shape(1)[kind.axes().size() - 1];
    Selection some = Selection.ofPositions(-1, 0);
    Selection head = kind.headAxis() < 0 ? some : Selection.ofHeads(1);
    List<Intervention> edits = new ArrayList<>();
    edits.add(new Intervention(point, Selection.ALL, new Edit.Scale(0.7f)));
    if (kind.isAttentionMap()) {
      edits.add(new Intervention(point, head, new Edit.Scale(1.3f)));
      edits.add(new Intervention(point, some, new Edit.SetValue(new float[] {0.3f})));
      edits.add(new Intervention(point, Selection.ofNeurons(0), new Edit.Scale(1.4f)));
      return edits;
    }
    edits.add(new Intervention(point, head, new Edit.Scale(-1.3f)));
    edits.add(new Intervention(point, Selection.ALL, new Edit.BatchMean(false)));
    edits.add(new Intervention(point, some, new Edit.BatchMean(true)));
    edits.add(
        new Intervention(
            point,
            new Selection(List.of(0, 1), List.of(), List.of(0, 2)),
            new Edit.Patch(new Edit.Source.Row(1), List.of(1, 0))));
    if (width == 1) { // a layer norm's scale
      edits.add(new Intervention(point, some, new Edit.AddDirection(new float[] {1}, 0.5f)));
      return edits;
    }
    edits.add(new Intervention(point, some, new Edit.Zero()));
    edits.add(new Intervention(point, head, new Edit.SetValue(vector(width))));
    edits.add(
        new Intervention(point, Selection.ofNeurons(0, 2), new Edit.SetValue(new float[] {0.5f})));
    edits.add(new Intervention(point, head, new Edit.AddDirection(vector(width), 2)));
    edits.add(new Intervention(point, head, new Edit.AddInNorms(vector(width), 0.5f)));
    edits.add(
        new Intervention(point, some, new Edit.ProjectOut(List.of(vector(width), vector(width)))));
    edits.add(new Intervention(point, head, new Edit.Swap(vector(width), vector(width))));
    edits.add(
        new Intervention(
            point,
            Selection.ALL,
            new Edit.ClampFeature(
                vector(width),
                0.2f,
                vector(width),
                vector(width),
                0.1f,
                new Edit.Target.Multiple(1.5f))));
    return edits;
  }

  private float[] vector(int width) {
    float[] vector = new float[width];
    for (int i = 0; i < width; i++) {
      vector[i] = (float) random.nextGaussian();
    }
    return vector;
  }

  private void check(Intervention edit, List<HookPoint> points, int samples) {
    HookProgram.Builder program = HookProgram.builder(SHAPE).intervene(edit);
    HookProgram.Builder wanted = HookProgram.builder(SHAPE);
    points.forEach(wanted::capture);
    HookProgram asked = wanted.build();
    try (NDManager scope = model.loaded().newScope()) {
      Gradients gradients =
          new GradientPass(model.transformer(), ops)
              .run(scope, ROWS, METRICS, program, asked, PassControl.NONE);
      double value = gradients.metrics()[0] + gradients.metrics()[1] + gradients.metrics()[2];
      assertThat(value).as("%s", edit).isCloseTo(total(edit, null, 0, 0, 0), offset(1e-3));
      for (HookPoint point : asked.points()) {
        float[] actual = NdArrays.floats(gradients.gradients().capture(point));
        double largest = 0;
        for (float entry : actual) {
          assertThat(entry).as("%s at %s", edit, point).isFinite();
          largest = Math.max(largest, Math.abs(entry));
        }
        for (int sample = 0; sample < samples; sample++) {
          int row = random.nextInt(3);
          float[] own =
              new RowLayout(point.kind(), SHAPE, 6).ofRow(actual, row, ROWS.get(row).length);
          int at = random.nextInt(own.length);
          double up = total(edit, point, row, at, STEP);
          double down = total(edit, point, row, at, -STEP);
          assertThat((double) own[at])
              .as("%s at %s[%d] of row %d", edit, point, at, row)
              .isCloseTo((up - down) / (2 * STEP), offset(1e-4 * largest + 1e-7));
        }
      }
    }
  }

  /** The metrics' sum with one entry of one row's value moved, behind the edit where it is that. */
  private double total(Intervention edit, HookPoint moved, int row, int at, double step) {
    HookPoint point = edit.point();
    RowLayout layout = new RowLayout(point.kind(), SHAPE, 6);
    int[] shape = layout.shape(3);
    int size = 1;
    for (int extent : shape) {
      size *= extent;
    }
    double[] batch = new double[size];
    boolean ahead = moved != null && !moved.equals(point);
    for (int i = 0; i < 3; i++) {
      int each = i;
      run(
          i,
          point,
          value -> {
            layout.put(batch, each, ROWS.get(each).length, value);
            return value;
          },
          ahead && i == row ? moved : null,
          at,
          step);
    }
    double[] edited = new SlowEdits(point.kind(), shape, LENGTHS).apply(edit, batch);
    double total = 0;
    for (int i = 0; i < 3; i++) {
      double[] own = layout.ofRow(edited, i, ROWS.get(i).length);
      if (moved != null && !ahead && i == row) {
        own[at] += step;
      }
      double[] logits = run(i, point, value -> own, ahead && i == row ? moved : null, at, step);
      total += SlowMetric.of(METRICS.get(i), ROWS.get(i), logits);
    }
    return total;
  }

  private double[] run(
      int row,
      HookPoint point,
      UnaryOperator<double[]> edit,
      HookPoint moved,
      int at,
      double step) {
    SlowTransformer slow = model.slow();
    slow.edit(point, edit);
    if (moved != null) {
      slow.edit(
          moved,
          value -> {
            double[] own = value.clone();
            own[at] += step;
            return own;
          });
    }
    return slow.logits(ROWS.get(row));
  }
}
