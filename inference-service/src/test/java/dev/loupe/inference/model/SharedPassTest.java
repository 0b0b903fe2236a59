package dev.loupe.inference.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Requests that share a pass get what they get alone, to 1e-4 of each tensor's largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SharedPassTest {
  private TinyModel tiny;
  private HookedTransformer model;
  private List<HookPoint> points;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    tiny = new TinyModel(folder);
    model = tiny.transformer();
    points = new HookPoints(model.config()).all();
  }

  @AfterAll
  void close() {
    tiny.close();
  }

  private PassMember randomMember(Random random, NDManager scope) {
    List<int[]> rows = new ArrayList<>();
    for (int r = 0; r < 1 + random.nextInt(3); r++) {
      rows.add(random.ints(1 + random.nextInt(24), 0, 211).toArray());
    }
    HookProgram.Builder program = HookProgram.builder(model.config());
    int shortest = rows.stream().mapToInt(row -> row.length).min().orElseThrow();
    for (int e = 0; e < random.nextInt(4); e++) {
      randomEdit(random, rows.size(), shortest, program);
    }
    for (int c = 0; c < random.nextInt(5); c++) {
      program.capture(points.get(random.nextInt(points.size())));
    }
    LogitsMode logits = LogitsMode.values()[random.nextInt(3)];
    return new PassMember(scope, TokenBatch.of(rows), program.build(), logits);
  }

  private void randomEdit(Random random, int rows, int shortest, HookProgram.Builder program) {
    HookPoint point = points.get(random.nextInt(points.size()));
    // Edits of ln1 and of a head's own input exclude each other, in one request as in several.
    String name = point.kind().localName();
    if (name.startsWith("ln1.") || name.startsWith("attn.") && name.endsWith("hook_in")) {
      return;
    }
    List<Integer> positions =
        random.nextBoolean() ? List.of() : List.of(random.nextInt(shortest), -1);
    List<Integer> heads =
        point.kind().headAxis() < 0 || random.nextBoolean() ? List.of() : List.of(2);
    List<Integer> some = random.nextBoolean() ? List.of() : List.of(random.nextInt(rows));
    Edit edit =
        switch (random.nextInt(3)) {
          case 0 -> new Edit.Scale(random.nextFloat() * 2);
          case 1 -> new Edit.SetValue(randomValue(random, point));
          default ->
              point.kind().axes().contains(HookAxis.SCALE) // a layer norm divides by it
                  ? new Edit.Scale(2)
                  : new Edit.Zero();
        };
    program.intervene(new Intervention(point, new Selection(positions, heads, some), edit));
  }

  /** No constant: layer norm would make large noise of its rounding. */
  private float[] randomValue(Random random, HookPoint point) {
    List<HookAxis> axes = point.kind().axes();
    int size = point.kind().isAttentionMap() ? 1 : axes.get(axes.size() - 1).size(model.config());
    float[] value = new float[size];
    for (int i = 0; i < size; i++) {
      value[i] = random.nextFloat() + 0.1f;
    }
    return value;
  }

  @Test
  void randomRequestsTogetherAreAsAlone() {
    for (long seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      try (NDManager base = tiny.loaded().newScope()) {
        List<PassMember> members = new ArrayList<>();
        for (int m = 0; m < 2 + random.nextInt(5); m++) {
          members.add(randomMember(random, base.newSubManager()));
        }
        List<ForwardResult> together = model.forwardTogether(members, PassControl.NONE);
        for (int m = 0; m < members.size(); m++) {
          PassMember member = members.get(m);
          ForwardResult alone =
              model.forward(
                  base,
                  member.batch(),
                  ForwardOptions.plain().with(member.program()).with(member.logits()));
          assertSame("seed " + seed + " member " + m, member, together.get(m), alone);
        }
      }
    }
  }

  private void assertSame(
      String label, PassMember member, ForwardResult together, ForwardResult alone) {
    assertThat(together.captures().keySet()).isEqualTo(alone.captures().keySet());
    for (HookPoint point : alone.captures().keySet()) {
      boolean map = point.kind().axes().contains(HookAxis.QUERY);
      assertClose(
          label + " " + point, member, together.capture(point), alone.capture(point), map ? 2 : 1);
    }
    assertThat(together.logits().isPresent()).isEqualTo(alone.logits().isPresent());
    if (alone.logits().isPresent()) {
      NDArray expected = alone.requireLogits();
      NDArray actual = together.requireLogits();
      assertThat(actual.getManager()).isEqualTo(member.scope());
      assertClose(label, member, actual, expected, member.logits() == LogitsMode.ALL ? 1 : -1);
      assertThat(bestTokens(actual)).as(label).isEqualTo(bestTokens(expected));
    }
  }

  /** The likeliest token of each row's first column, which is never padding. */
  private static List<Integer> bestTokens(NDArray logits) {
    int rows = (int) logits.getShape().get(0);
    int size = (int) logits.getShape().size() / rows;
    int vocabulary = (int) logits.getShape().get(2);
    float[] values = NdArrays.floats(logits);
    return IntStream.range(0, rows)
        .mapToObj(
            r ->
                IntStream.range(0, vocabulary)
                    .boxed()
                    .max((a, b) -> Float.compare(values[r * size + a], values[r * size + b]))
                    .orElseThrow())
        .toList();
  }

  /** Compares what is not padding; -infinity must stand where it stands. */
  private static void assertClose(
      String label, PassMember member, NDArray actual, NDArray expected, int positionAxis) {
    assertThat(actual.getShape()).as(label).isEqualTo(expected.getShape());
    float[] actualValues = NdArrays.floats(actual);
    float[] expectedValues = NdArrays.floats(expected);
    long[] shape = expected.getShape().getShape();
    double[] wide = new double[expectedValues.length];
    for (int i = 0; i < wide.length; i++) {
      boolean padding =
          positionAxis > 0
              && coordinate(shape, i, positionAxis)
                  >= member.batch().lengths()[coordinate(shape, i, 0)];
      if (padding || expectedValues[i] == Float.NEGATIVE_INFINITY) {
        if (!padding) {
          assertThat(actualValues[i]).as(label).isEqualTo(Float.NEGATIVE_INFINITY);
        }
        actualValues[i] = 0;
      } else {
        wide[i] = expectedValues[i];
      }
    }
    GoldenAssert.assertClose(label, actualValues, wide, Golden.TOLERANCE);
  }

  private static int coordinate(long[] shape, int flat, int axis) {
    long stride = Arrays.stream(shape, axis + 1, shape.length).reduce(1, (a, b) -> a * b);
    return (int) (flat / stride % shape[axis]);
  }

  @Test
  void aFailingMemberLeavesNobodyAResultAndNoArrayBehind() {
    try (NDManager base = tiny.loaded().newScope()) {
      HookPoint point = HookPoint.of(HookKind.RESID_PRE, 1);
      HookProgram bad =
          HookProgram.builder(model.config())
              .intervene(
                  new Intervention(
                      point, new Selection(List.of(9), List.of(), List.of()), new Edit.Zero()))
              .build();
      HookProgram good = HookProgram.builder(model.config()).capture(point).build();
      NDManager scope = base.newSubManager();
      List<PassMember> members =
          List.of(
              new PassMember(scope, TokenBatch.of(new int[12]), good, LogitsMode.LAST),
              new PassMember(scope, TokenBatch.of(new int[3]), bad, LogitsMode.LAST));
      assertThatThrownBy(() -> model.forwardTogether(members, PassControl.NONE))
          .hasMessageContaining("row 0 has 3 tokens");
      assertThat(scope.getManagedArrays()).isEmpty();
    }
  }
}
