package dev.loupe.inference.model.hooks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.TensorEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random edits of random places in random batches, ragged and continued ones too: the values
 * against plain loops, and the vector-Jacobian product against central differences of those loops.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EditPropertyTest {
  private static final int HEADS = 3;
  private static final int D_HEAD = 4;
  private static final GptConfig CONFIG = GptConfig.gpt2(2, HEADS, HEADS * D_HEAD, 40, 9, 0);
  private static final HookKind[] KINDS = {
    HookKind.RESID_PRE,
    HookKind.Z,
    HookKind.PATTERN,
    HookKind.MLP_POST,
    HookKind.LN1_SCALE,
    HookKind.RESULT
  };

  private NDManager manager;

  @BeforeAll
  void open() {
    manager = TensorEngine.newManager();
  }

  @AfterAll
  void close() {
    manager.close();
  }

  /** A random case; what is random is drawn in the order of the fields. */
  private static final class Case {
    final Random random;
    final HookKind kind;
    final PassRows rows;
    final int[] shape;
    final List<Intervention> edits = new ArrayList<>();

    Case(long seed) {
      random = new Random(seed);
      kind = KINDS[random.nextInt(KINDS.length)];
      rows = rows(random);
      shape = shape();
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        edits.add(new Intervention(HookPoint.of(kind, 0), selection(), edit()));
        fixPatch();
      }
    }

    private static PassRows rows(Random random) {
      int batch = 1 + random.nextInt(4);
      boolean partial = random.nextInt(3) == 0;
      int[] starts = new int[batch];
      int[] counts = new int[batch];
      int columns = 0;
      for (int row = 0; row < batch; row++) {
        starts[row] = partial ? 2 + random.nextInt(3) : 0;
        counts[row] = 2 + random.nextInt(5);
        columns = Math.max(columns, counts[row]);
      }
      return new PassRows(starts, counts, columns, partial);
    }

    private int[] shape() {
      int[] shape = new int[kind.axes().size()];
      for (int i = 0; i < shape.length; i++) {
        shape[i] =
            switch (kind.axes().get(i)) {
              case BATCH -> rows.rows();
              case POS, QUERY -> rows.columns();
              case KEY -> longest() + 1;
              default -> kind.axes().get(i).size(CONFIG);
            };
      }
      return shape;
    }

    private int longest() {
      int longest = 0;
      for (int row = 0; row < rows.rows(); row++) {
        longest = Math.max(longest, rows.length(row));
      }
      return longest;
    }

    private Selection selection() {
      List<Integer> positions = new ArrayList<>();
      if (random.nextBoolean()) {
        int shortest = rows.length(0);
        for (int row = 0; row < rows.rows(); row++) {
          shortest = Math.min(shortest, rows.length(row));
        }
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
          positions.add(random.nextInt(2 * shortest) - shortest);
        }
      }
      return new Selection(
          positions,
          kind.headAxis() < 0 ? List.of() : some(HEADS),
          some(rows.rows()),
          some(shape[shape.length - 1]));
    }

    private List<Integer> some(int count) {
      List<Integer> some = new ArrayList<>();
      if (random.nextInt(3) == 0) {
        for (int i = 0; i < count; i++) {
          if (random.nextBoolean()) {
            some.add(i);
          }
        }
      }
      return some;
    }

    private Edit edit() {
      boolean map = kind.isAttentionMap();
      return switch (random.nextInt(map ? 6 : 12)) {
        case 0 -> new Edit.Zero();
        case 1 -> new Edit.Scale(random.nextFloat());
        case 2 -> new Edit.SetValue(new float[] {random.nextFloat()});
        case 3 -> new Edit.BatchMean(random.nextBoolean());
        case 4 -> new Edit.Patch(new Edit.Source.Row(random.nextInt(rows.rows())), List.of());
        case 5 -> new Edit.Patch(new Edit.Source.Given(given()), List.of());
        case 6 -> new Edit.SetValue(vector());
        case 7 -> new Edit.AddDirection(vector(), 2 * random.nextFloat() - 1);
        case 8 -> new Edit.AddInNorms(vector(), 2 * random.nextFloat() - 1);
        case 9 -> new Edit.ProjectOut(directions());
        case 10 -> kind == HookKind.LN1_SCALE ? new Edit.Zero() : swap();
        default ->
            new Edit.ClampFeature(
                vector(),
                random.nextFloat(),
                vector(),
                random.nextBoolean() ? new float[0] : vector(),
                random.nextFloat() / 4,
                random.nextBoolean()
                    ? new Edit.Target.Value(random.nextFloat())
                    : new Edit.Target.Multiple(random.nextFloat()));
      };
    }

    private Edit swap() {
      return new Edit.Swap(vector(), vector());
    }

    private List<float[]> directions() {
      List<float[]> directions = new ArrayList<>(List.of(vector()));
      if (directions.get(0).length > 2) {
        directions.add(vector());
      }
      return directions;
    }

    private float[] vector() {
      float[] vector = new float[shape[shape.length - 1]];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = (float) random.nextGaussian();
      }
      return vector;
    }

    private HostTensor given() {
      long[] of = new long[shape.length - 1];
      int size = 1;
      for (int i = 0; i < of.length; i++) {
        HookAxis axis = kind.axes().get(i + 1);
        boolean grows = axis == HookAxis.POS || axis == HookAxis.QUERY || axis == HookAxis.KEY;
        of[i] = grows ? 12 : shape[i + 1];
        size *= (int) of[i];
      }
      float[] values = new float[size];
      for (int i = 0; i < size; i++) {
        values[i] = random.nextFloat();
      }
      return HostTensor.ofFloats(values, of);
    }

    /** Gives a patch source positions, or an edited part that its source reaches. */
    private void fixPatch() {
      Intervention last = edits.get(edits.size() - 1);
      if (!(last.edit() instanceof Edit.Patch patch)) {
        return;
      }
      List<Integer> positions = last.selection().positions();
      List<Integer> sources = new ArrayList<>();
      int length = patch.source() instanceof Edit.Source.Row row ? rows.length(row.row()) : 12;
      if (positions.isEmpty()) {
        positions = List.of(0, 1);
      }
      for (int ignored : positions) {
        sources.add(random.nextInt(2 * length) - length);
      }
      boolean same = random.nextBoolean() && positions.equals(List.of(0, 1));
      edits.set(
          edits.size() - 1,
          new Intervention(
              last.point(),
              new Selection(
                  positions,
                  last.selection().heads(),
                  last.selection().rows(),
                  last.selection().neurons()),
              new Edit.Patch(patch.source(), same ? List.of() : sources)));
    }

    double[] values() {
      int size = 1;
      for (int extent : shape) {
        size *= extent;
      }
      double[] values = new double[size];
      for (int i = 0; i < size; i++) {
        values[i] = (float) random.nextGaussian();
      }
      return values;
    }

    double[] slow(double[] x) {
      double[] y = x;
      for (Intervention edit : edits) {
        y = new SlowEdits(kind, shape, rows).apply(edit, y);
      }
      return y;
    }

    HookProgram program() {
      HookProgram.Builder program = HookProgram.builder(CONFIG);
      edits.forEach(program::intervene);
      return program.capture(HookPoint.of(kind, 0)).build();
    }

    @Override
    public String toString() {
      return kind + " " + edits;
    }
  }

  private NDArray array(double[] values, int[] shape) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    long[] extents = new long[shape.length];
    for (int i = 0; i < shape.length; i++) {
      extents[i] = shape[i];
    }
    return manager.create(floats, new Shape(extents));
  }

  private static void close(float[] actual, double[] expected, double tolerance, Object what) {
    double largest = 1;
    for (double value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .as("%s at %d", what, i)
          .isCloseTo(expected[i], offset(tolerance * largest));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 100, 200, 300, 400})
  void valuesAreThoseOfPlainLoops(int from) {
    for (long seed = from; seed < from + 100; seed++) {
      Case random = new Case(seed);
      double[] x = random.values();
      try (NDArray value = array(x, random.shape)) {
        HookRun run = HookRun.of(random.program(), random.rows);
        NDArray edited = run.at(random.kind, 0, value);
        close(edited.toFloatArray(), random.slow(x), 1e-5, "seed " + seed + " " + random);
        close(value.toFloatArray(), x, 0, "the input of seed " + seed);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1000, 1100, 1200})
  void gradientsAreThoseOfCentralDifferences(int from) {
    for (long seed = from; seed < from + 100; seed++) {
      Case random = new Case(seed);
      double[] x = random.values();
      double[] cotangent = random.values();
      HookPoint point = HookPoint.of(random.kind, 0);
      HookProgram program = random.program();
      NDArray value = program.pullbackNeedsValue(point) ? array(x, random.shape) : null;
      NDArray given = array(cotangent, random.shape);
      float[] gradient = NdArrays.floats(program.pullback(point, value, given, random.rows));
      double[] expected = new double[x.length];
      double step = 1e-6;
      for (int i = 0; i < x.length; i++) {
        double[] up = x.clone();
        double[] down = x.clone();
        up[i] += step;
        down[i] -= step;
        double[] high = random.slow(up);
        double[] low = random.slow(down);
        for (int j = 0; j < x.length; j++) {
          expected[i] += cotangent[j] * (high[j] - low[j]) / (2 * step);
        }
      }
      close(gradient, expected, 2e-5, "seed " + seed + " " + random);
      close(given.toFloatArray(), cotangent, 0, "the cotangent of seed " + seed);
    }
  }
}
