package dev.loupe.inference.captures;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.tensor.ElementType;
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

/** Random captures of random ragged batches against plain loops; shapes against the prediction. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CapturePropertyTest {
  private static final int HEADS = 3;
  private static final GptConfig CONFIG = GptConfig.gpt2(2, HEADS, 12, 40, 9, 0);
  private static final HookKind[] KINDS = {
    HookKind.RESID_PRE, HookKind.Z, HookKind.PATTERN, HookKind.LN1_SCALE, HookKind.RESULT
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

  private static PassRows rows(Random random) {
    int[] lengths = new int[1 + random.nextInt(3)];
    boolean ragged = random.nextBoolean();
    int length = 2 + random.nextInt(4);
    for (int row = 0; row < lengths.length; row++) {
      lengths[row] = ragged ? 2 + random.nextInt(4) : length;
    }
    return PassRows.of(lengths);
  }

  private static Capture capture(Random random, HookKind kind, PassRows rows) {
    int shortest = rows.columns();
    for (int length : rows.counts()) {
      shortest = Math.min(shortest, length);
    }
    List<Integer> positions = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      positions.add(random.nextInt(2 * shortest) - shortest);
    }
    List<Integer> heads = new ArrayList<>();
    if (kind.headAxis() >= 0) {
      for (int i = random.nextInt(3); i > 0; i--) {
        heads.add(random.nextInt(HEADS));
      }
    }
    return new Capture(
        HookPoint.of(kind, 1),
        positions,
        heads,
        reductions(random, kind, rows, positions, heads),
        ElementType.F32);
  }

  private static List<Reduction> reductions(
      Random random, HookKind kind, PassRows rows, List<Integer> positions, List<Integer> heads) {
    List<Reduction> reductions = new ArrayList<>();
    HookAxis lastAxis = kind.axes().get(kind.axes().size() - 1);
    int last = lastAxis == HookAxis.KEY ? rows.columns() : lastAxis.size(CONFIG);
    boolean padded = positions.isEmpty() && rows.ragged();
    if (random.nextInt(3) == 0) {
      reductions.add(new Reduction.MeanOverPositions());
      padded = false;
    }
    if (!padded && random.nextInt(3) == 0) {
      reductions.add(new Reduction.MeanOverRows());
    }
    if (random.nextInt(3) == 0) {
      boolean canSpan = kind == HookKind.Z && heads.isEmpty();
      int width = canSpan && random.nextBoolean() ? last * HEADS : last;
      float[] vectors = new float[width * (1 + random.nextInt(3))];
      for (int i = 0; i < vectors.length; i++) {
        vectors[i] = (float) random.nextGaussian();
      }
      reductions.add(new Reduction.Dot(vectors, width));
      last = vectors.length / width;
    }
    if (random.nextInt(3) == 0) {
      reductions.add(new Reduction.Norm());
      last = 1;
    }
    if (random.nextInt(2) == 0) {
      reductions.add(new Reduction.Largest(1 + random.nextInt(last)));
    }
    return reductions;
  }

  private NDArray value(Random random, HookKind kind, PassRows rows) {
    Shape shape = new Shape();
    for (HookAxis axis : kind.axes()) {
      shape =
          shape.add(
              switch (axis) {
                case BATCH -> rows.rows();
                case POS, QUERY, KEY -> rows.columns();
                default -> axis.size(CONFIG);
              });
    }
    float[] values = new float[(int) shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return manager.create(values, shape);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 100, 200, 300})
  void whatIsKeptIsWhatPlainLoopsKeep(int from) {
    for (long seed = from; seed < from + 100; seed++) {
      Random random = new Random(seed);
      HookKind kind = KINDS[random.nextInt(KINDS.length)];
      PassRows rows = rows(random);
      Capture capture = capture(random, kind, rows);
      String label = "seed " + seed + " " + capture;
      CompiledCapture compiled = CompiledCapture.of(CONFIG, capture);
      NDArray value = value(random, kind, rows);
      CaptureLayout layout = compiled.layout(rows);
      List<NDArray> kept = compiled.read(value, rows);
      SlowCapture slow =
          new SlowCapture(kind, value.getShape().getShape(), value.toFloatArray(), rows)
              .select(capture)
              .reduce(capture.reductions());
      assertThat(layout.labels()).as(label).isEqualTo(slow.axes());
      assertThat(kept).as(label).hasSize(compiled.givesIndices() ? 2 : 1);
      for (NDArray array : kept) {
        assertThat(array.getShape().getShape())
            .as(label)
            .containsExactly(layout.sizes().stream().mapToLong(Long::longValue).toArray());
      }
      compare(label, layout, kept, slow);
      kept.forEach(NDArray::close);
      value.close();
    }
  }

  private static void compare(
      String label, CaptureLayout layout, List<NDArray> kept, SlowCapture slow) {
    float[] values = NdArrays.floats(kept.get(0));
    HostTensor indices = kept.size() == 1 ? null : NdArrays.copy(kept.get(1));
    int compared = 0;
    for (int flat = 0; flat < values.length; flat++) {
      Integer[] at = new Integer[layout.sizes().size()];
      int rest = flat;
      for (int axis = at.length - 1; axis >= 0; axis--) {
        int size = layout.sizes().get(axis).intValue();
        at[axis] = rest % size;
        rest /= size;
      }
      Double expected = slow.at(at);
      if (expected != null) {
        compared++;
        assertThat((double) values[flat]).as(label).isCloseTo(expected, offset(1e-4));
        if (indices != null) {
          assertThat((int) indices.floatAt(flat)).as(label).isEqualTo(slow.indexAt(at));
        }
      }
    }
    assertThat(compared).as(label).isEqualTo(slow.size()).isPositive();
  }
}
