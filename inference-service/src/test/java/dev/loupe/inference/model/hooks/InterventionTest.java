package dev.loupe.inference.model.hooks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.TensorEngine;
import java.util.List;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Edits on small arrays of counted values: two rows of three and two tokens, two heads. */
class InterventionTest {
  private static final GptConfig CONFIG = GptConfig.gpt2(2, 2, 4, 8, 9, 0);
  private static final HookPoint RESID = HookPoint.of(HookKind.RESID_PRE, 0);
  private static final HookPoint Z = HookPoint.of(HookKind.Z, 1);
  private static final HookPoint PATTERN = HookPoint.of(HookKind.PATTERN, 0);
  private static final PassRows ROWS = new PassRows(new int[] {0, 0}, new int[] {3, 2}, 3, false);

  private final NDManager manager = TensorEngine.newManager();

  @AfterEach
  void close() {
    manager.close();
  }

  private NDArray counted(long... shape) {
    Shape full = new Shape(shape);
    float[] values = new float[(int) full.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = i + 1;
    }
    return manager.create(values, full);
  }

  private float[] apply(HookPoint point, Selection selection, Edit edit, NDArray value) {
    return apply(point, selection, edit, value, ROWS);
  }

  private float[] apply(
      HookPoint point, Selection selection, Edit edit, NDArray value, PassRows rows) {
    HookProgram program =
        HookProgram.builder(CONFIG)
            .intervene(new Intervention(point, selection, edit))
            .capture(point)
            .build();
    HookRun run = HookRun.of(program, rows);
    run.at(point.kind(), point.layer(), value);
    return run.captures().get(0).get(point).toFloatArray();
  }

  /** Zeroed exactly where a predicate on the flat index says so. */
  private void zeroedWhere(
      HookPoint point, Selection selection, NDArray value, IntPredicate where) {
    float[] actual = apply(point, selection, new Edit.Zero(), value);
    for (int i = 0; i < actual.length; i++) {
      assertThat(actual[i]).as("index %d", i).isEqualTo(where.test(i) ? 0 : i + 1);
    }
  }

  @Test
  void positionsCountFromTheStartOrFromEachRowsEnd() {
    NDArray value = counted(2, 3, 4);
    zeroedWhere(RESID, Selection.ALL, value, i -> true);
    zeroedWhere(RESID, Selection.ofPositions(1), value, i -> i / 4 == 1 || i / 4 == 4);
    // The last token of row 0 is column 2, of row 1 column 1.
    zeroedWhere(RESID, Selection.ofPositions(-1), value, i -> i / 4 == 2 || i / 4 == 4);
    zeroedWhere(RESID, Selection.ofPositions(0, -2), value, i -> i / 4 <= 1 || i / 4 == 3);
  }

  @Test
  void rowsAndHeadsSelectAsWell() {
    zeroedWhere(
        RESID, new Selection(List.of(), List.of(), List.of(1)), counted(2, 3, 4), i -> i >= 12);
    // Position 2 is only there in row 0.
    zeroedWhere(
        RESID, new Selection(List.of(2), List.of(), List.of(0)), counted(2, 3, 4), i -> i / 4 == 2);
    zeroedWhere(Z, Selection.ofHeads(1), counted(2, 3, 2, 2), i -> i / 2 % 2 == 1);
    zeroedWhere(
        Z,
        new Selection(List.of(-1), List.of(0), List.of(0)),
        counted(2, 3, 2, 2),
        i -> i == 8 || i == 9);
    // [row, head, query, key]: queries are selected.
    zeroedWhere(
        PATTERN,
        new Selection(List.of(1), List.of(1), List.of()),
        counted(2, 2, 3, 3),
        i -> i / 9 % 2 == 1 && i / 3 % 3 == 1);
  }

  @Test
  void aContinuedPassOnlyEditsItsOwnPositions() {
    PassRows step = new PassRows(new int[] {3, 2}, new int[] {1, 1}, 1, true);
    NDArray value = counted(2, 1, 4);
    float[] third = apply(RESID, Selection.ofPositions(3), new Edit.Zero(), value, step);
    assertThat(third).containsExactly(0, 0, 0, 0, 5, 6, 7, 8);
    float[] last = apply(RESID, Selection.ofPositions(-1), new Edit.Zero(), value, step);
    assertThat(last).containsOnly(0);
    float[] later = apply(RESID, Selection.ofPositions(7, -2), new Edit.Zero(), value, step);
    assertThat(later).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
  }

  @Test
  void scaleSetAndAdd() {
    NDArray value = counted(1, 1, 4);
    PassRows one = new PassRows(new int[] {0}, new int[] {1}, 1, false);
    assertThat(apply(RESID, Selection.ALL, new Edit.Scale(-0.5f), value, one))
        .containsExactly(-0.5f, -1, -1.5f, -2);
    float[] vector = {9, 8, 7, 6};
    assertThat(apply(RESID, Selection.ALL, new Edit.SetValue(vector), value, one))
        .containsExactly(vector);
    assertThat(apply(RESID, Selection.ALL, new Edit.SetValue(new float[] {3}), value, one))
        .containsOnly(3);
    assertThat(apply(RESID, Selection.ALL, new Edit.AddDirection(vector, 2), value, one))
        .containsExactly(19, 18, 17, 16);
  }

  @Test
  void aVectorMaySpanAllHeads() {
    PassRows one = new PassRows(new int[] {0}, new int[] {1}, 1, false);
    NDArray value = counted(1, 1, 2, 2);
    float[] whole = {10, 20, 30, 40};
    assertThat(apply(Z, Selection.ALL, new Edit.AddDirection(whole, 1), value, one))
        .containsExactly(11, 22, 33, 44);
    assertThat(apply(Z, Selection.ALL, new Edit.SetValue(whole), value, one))
        .containsExactly(whole);
    assertThat(apply(Z, Selection.ALL, new Edit.AddDirection(new float[] {1, 0}, 1), value, one))
        .containsExactly(2, 2, 4, 4);
  }

  @Test
  void clampingHoldsTheFeatureAndNothingElse() {
    PassRows one = new PassRows(new int[] {0}, new int[] {2}, 2, false);
    float[] encoder = {1, 0, -1, 0.5f};
    float[] decoder = {0, 1, 0, 2};
    float[] bias = {1, 1, 1, 1};
    // Row 1 to 4: (0, 1, 2, 3) . encoder + 1 = 0.5; row 5 to 8: (4, 5, 6, 7) . encoder + 1 = 2.5.
    NDArray value = counted(1, 2, 4);
    Edit to4 = new Edit.ClampFeature(encoder, 1, decoder, bias, 0, new Edit.Target.Value(4));
    assertThat(apply(RESID, Selection.ALL, to4, value, one))
        .containsExactly(new float[] {1, 2 + 3.5f, 3, 4 + 7, 5, 6 + 1.5f, 7, 8 + 3}, offset(1e-5f));
    Edit suppressed =
        new Edit.ClampFeature(encoder, 1, decoder, bias, 1, new Edit.Target.Multiple(0));
    // Below the threshold of 1 the first position's feature does not count as active.
    assertThat(apply(RESID, Selection.ALL, suppressed, value, one))
        .containsExactly(new float[] {1, 2, 3, 4, 5, 6 - 2.5f, 7, 8 - 5}, offset(1e-5f));
    Edit negative =
        new Edit.ClampFeature(encoder, -9, decoder, new float[0], 0, new Edit.Target.Value(1));
    assertThat(apply(RESID, Selection.ALL, negative, value, one))
        .containsExactly(new float[] {1, 3, 3, 6, 5, 7, 7, 10}, offset(1e-5f));
  }

  @Test
  void editsApplyInOrderThenLiveHooksThenCapture() {
    PassRows one = new PassRows(new int[] {0}, new int[] {1}, 1, false);
    HookProgram program =
        HookProgram.builder(CONFIG)
            .capture(RESID)
            .live(RESID, (point, value) -> value.mul(10))
            .intervene(new Intervention(RESID, Selection.ALL, new Edit.Scale(2)))
            .intervene(
                new Intervention(
                    RESID, Selection.ALL, new Edit.AddDirection(new float[] {1, 1, 1, 1}, 1)))
            .build();
    HookRun run = HookRun.of(program, one);
    NDArray result = run.at(HookKind.RESID_PRE, 0, counted(1, 1, 4));
    assertThat(result.toFloatArray()).containsExactly(30, 50, 70, 90);
    assertThat(run.captures().get(0).get(RESID)).isSameAs(result);
  }

  @Test
  void aReplacementOfAnotherShapeIsRefused() {
    HookProgram program =
        HookProgram.builder(CONFIG).live(RESID, (point, value) -> value.get(0)).build();
    HookRun run = HookRun.of(program, ROWS);
    assertThatThrownBy(() -> run.at(HookKind.RESID_PRE, 0, counted(2, 3, 4)))
        .isInstanceOf(InvalidInterventionException.class)
        .hasMessageContaining("(3, 4)")
        .hasMessageContaining("(2, 3, 4)");
  }

  private static void refused(
      HookPoint point,
      Selection selection,
      Edit edit,
      InvalidInterventionException.Kind kind,
      String field,
      String message) {
    assertThatThrownBy(
            () -> HookProgram.builder(CONFIG).intervene(new Intervention(point, selection, edit)))
        .isInstanceOfSatisfying(
            InvalidInterventionException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(kind);
              assertThat(e.field()).isEqualTo(field);
              assertThat(e).hasMessageContaining(message);
            });
  }

  @Test
  void whatDoesNotFitIsRefusedByName() {
    var shape = InvalidInterventionException.Kind.WRONG_SHAPE;
    var finite = InvalidInterventionException.Kind.NOT_FINITE;
    var range = InvalidInterventionException.Kind.OUT_OF_RANGE;
    Selection all = Selection.ALL;
    refused(RESID, all, new Edit.AddDirection(new float[3], 1), shape, "direction", "expected 4");
    refused(RESID, all, new Edit.SetValue(new float[2]), shape, "values", "expected 4");
    refused(RESID, all, new Edit.SetValue(new float[0]), shape, "values", "0 values");
    refused(
        Z, Selection.ofHeads(0), new Edit.SetValue(new float[4]), shape, "values", "expected 2");
    refused(PATTERN, all, new Edit.AddDirection(new float[4], 1), shape, "direction", "pattern");
    refused(RESID, Selection.ofHeads(0), new Edit.Zero(), shape, "heads", "no head axis");
    refused(Z, Selection.ofHeads(2), new Edit.Zero(), range, "heads", "expected 0 to 1");
    refused(RESID, all, new Edit.Scale(Float.NaN), finite, "factor", "NaN");
    refused(
        RESID,
        all,
        new Edit.AddDirection(new float[] {1, 2, Float.POSITIVE_INFINITY, 0}, 1),
        finite,
        "direction",
        "Infinity at index 2");
    Edit.Target zero = new Edit.Target.Value(0);
    float[] four = {1, 2, 3, 4};
    float[] none = {};
    refused(
        RESID,
        all,
        new Edit.ClampFeature(four, 0, new float[3], none, 0, zero),
        shape,
        "decoder",
        "expected 4");
    refused(
        RESID,
        all,
        new Edit.ClampFeature(four, 0, four, new float[1], 0, zero),
        shape,
        "decoder_bias",
        "expected 4");
    refused(
        RESID,
        all,
        new Edit.ClampFeature(four, 0, four, none, 0, new Edit.Target.Value(Float.NaN)),
        finite,
        "value",
        "NaN");
    float[] nothing = new float[4];
    refused(RESID, all, new Edit.AddInNorms(nothing, 1), range, "direction", "zero");
    refused(RESID, all, new Edit.ProjectOut(List.of(four, nothing)), range, "directions", "zero");
    refused(RESID, all, new Edit.ProjectOut(List.of()), shape, "directions", "1 to 64");
    refused(RESID, all, new Edit.Swap(four, new float[3]), shape, "second", "expected 4");
    float[] twice = {-2, -4, -6, -8};
    refused(RESID, all, new Edit.Swap(four, twice), range, "second", "parallel");
    refused(
        RESID,
        Selection.ofPositions(0, 1),
        new Edit.Patch(new Edit.Source.Row(0), List.of(1)),
        shape,
        "source_positions",
        "as many as positions");
    Edit.Source narrow = new Edit.Source.Given(HostTensor.ofFloats(new float[6], 2, 3));
    refused(RESID, all, new Edit.Patch(narrow, List.of()), shape, "value", "d_model=4");
    refused(RESID, Selection.ofNeurons(4), new Edit.Zero(), range, "neurons", "0 to 3");
    assertThatThrownBy(() -> HookProgram.builder(CONFIG).capture(HookPoint.of(HookKind.Z, 2)))
        .hasMessageContaining("2 layers");
  }

  @Test
  void swappingTwiceGivesTheSameAgain() {
    NDArray value = counted(2, 3, 4);
    Edit swap = new Edit.Swap(new float[] {1, 2, 0, -1}, new float[] {0.5f, 1, 3, 0});
    HookProgram program =
        HookProgram.builder(CONFIG)
            .intervene(new Intervention(RESID, Selection.ALL, swap))
            .intervene(new Intervention(RESID, Selection.ALL, swap))
            .build();
    NDArray result = HookRun.of(program, ROWS).at(HookKind.RESID_PRE, 0, value);
    assertThat(result.toFloatArray()).containsExactly(value.toFloatArray(), offset(1e-4f));
  }

  @Test
  void aPatchNeedsItsSource() {
    NDArray value = counted(2, 3, 4);
    Edit fromNowhere = new Edit.Patch(new Edit.Source.Row(2), List.of());
    assertThatThrownBy(() -> apply(RESID, Selection.ALL, fromNowhere, value))
        .hasMessageContaining("from row 2; expected 0 to 1");
    // Row 1 has two tokens, so it has nothing for the third of row 0.
    Edit fromShorter = new Edit.Patch(new Edit.Source.Row(1), List.of());
    assertThatThrownBy(() -> apply(RESID, Selection.ALL, fromShorter, value))
        .hasMessageContaining("no position 2; it has 2 tokens");
  }

  @Test
  void positionsAndRowsThatAreNotThereAreRefused() {
    NDArray value = counted(2, 3, 4);
    Edit zero = new Edit.Zero();
    for (int position : new int[] {2, -3, 3}) {
      assertThatThrownBy(() -> apply(RESID, Selection.ofPositions(position), zero, value))
          .isInstanceOf(InvalidInterventionException.class)
          .hasMessageContaining("positions holds " + position)
          .hasMessageContaining("tokens");
    }
    assertThatThrownBy(
            () -> apply(RESID, new Selection(List.of(), List.of(), List.of(2)), zero, value))
        .hasMessageContaining("rows holds 2; expected 0 to 1");
  }
}
