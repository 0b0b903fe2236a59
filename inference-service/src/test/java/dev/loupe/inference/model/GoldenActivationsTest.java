package dev.loupe.inference.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.GoldenAssert;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every golden activation and edit of the tiny model, computed elsewhere in float64. Float32
 * results are held to 1e-4 of each tensor's largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GoldenActivationsTest {
  private TinyModel tiny;
  private HookPoints points;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    tiny = new TinyModel(folder);
    points = new HookPoints(tiny.transformer().config());
  }

  @AfterAll
  void close() {
    tiny.close();
  }

  private List<String> goldenNames(String prefix) {
    return tiny.golden().names().stream()
        .filter(name -> name.startsWith(prefix))
        .map(name -> name.substring(prefix.length()))
        .toList();
  }

  @Test
  void everyGoldenHookPointIsReadInOnePass() {
    HookProgram.Builder program = HookProgram.builder(tiny.transformer().config());
    List<String> names = goldenNames("run/").stream().filter(n -> !n.equals("logits")).toList();
    assertThat(names).hasSize(60);
    names.forEach(name -> program.capture(points.named(name)));
    try (NDManager scope = tiny.loaded().newScope()) {
      ForwardResult result = tiny.run(scope, program.build());
      for (String name : names) {
        check("run/" + name, result.capture(points.named(name)));
      }
      check("run/logits", result.requireLogits());
    }
  }

  @TestFactory
  List<DynamicTest> everyHookPointAloneLeavesTheLogitsAsTheyAre() {
    return points.all().stream()
        .map(point -> DynamicTest.dynamicTest(point.name(), () -> readsAlone(point)))
        .toList();
  }

  private void readsAlone(HookPoint point) {
    HookProgram program = HookProgram.builder(tiny.transformer().config()).capture(point).build();
    try (NDManager scope = tiny.loaded().newScope()) {
      ForwardResult result = tiny.run(scope, program);
      check("run/logits", result.requireLogits());
      if (tiny.golden().names().contains("run/" + point.name())) {
        check("run/" + point.name(), result.capture(point));
      }
      ForwardResult early =
          tiny.transformer()
              .forward(
                  scope,
                  TokenBatch.of(tiny.rows()),
                  ForwardOptions.plain().with(program).with(LogitsMode.NONE));
      assertThat(early.logits()).isEmpty();
      assertThat(NdArrays.floats(early.capture(point)))
          .isEqualTo(NdArrays.floats(result.capture(point)));
    }
  }

  @Test
  void layerNormOutputsAreTheNormalizedOnesAfterWeightAndBias() {
    HookProgram.Builder program = HookProgram.builder(tiny.transformer().config());
    for (HookKind kind : List.of(HookKind.LN1_OUT, HookKind.LN2_OUT)) {
      program.capture(HookPoint.of(kind, 1));
    }
    BlockWeights weights = tiny.transformer().weights().blocks().get(1);
    try (NDManager scope = tiny.loaded().newScope()) {
      ForwardResult result = tiny.run(scope, program.build());
      checkAffine(result, HookPoint.of(HookKind.LN1_OUT, 1), "ln1", weights.ln1());
      checkAffine(result, HookPoint.of(HookKind.LN2_OUT, 1), "ln2", weights.ln2());
    }
  }

  private void checkAffine(ForwardResult result, HookPoint point, String norm, LayerNormWeights w) {
    float[] normalized = tiny.golden().tensor("run/blocks.1." + norm + ".hook_normalized").floats();
    float[] weight = NdArrays.floats(w.weight());
    float[] bias = NdArrays.floats(w.bias());
    double[] expected = new double[normalized.length];
    for (int i = 0; i < expected.length; i++) {
      int column = i % weight.length;
      expected[i] = (double) normalized[i] * weight[column] + bias[column];
    }
    GoldenAssert.assertClose(point.name(), NdArrays.floats(result.capture(point)), expected, 1e-4);
  }

  @TestFactory
  List<DynamicTest> everyHookPointCanBeEdited() {
    List<String> names = goldenNames("edit_every/");
    assertThat(names).hasSize(59);
    return names.stream()
        .map(name -> DynamicTest.dynamicTest(name, () -> scaledBy07(points.named(name))))
        .toList();
  }

  private void scaledBy07(HookPoint point) {
    Intervention scale = new Intervention(point, Selection.ALL, new Edit.Scale(0.7f));
    try (NDManager scope = tiny.loaded().newScope()) {
      NDArray logits = tiny.run(scope, program(scale)).requireLogits();
      check("edit_every/" + point.name(), logits.get(new NDIndex(":, -1")));
    }
  }

  @TestFactory
  List<DynamicTest> everyGoldenEdit() {
    List<String> names = goldenNames("edit/").stream().filter(n -> !n.equals("direction")).toList();
    assertThat(names).hasSize(6);
    return names.stream()
        .map(name -> DynamicTest.dynamicTest(name, () -> edited(name, golden(name))))
        .toList();
  }

  /** What the golden data's names say in words. */
  private Intervention golden(String name) {
    float[] direction = tiny.golden().tensor("edit/direction").floats();
    return switch (name) {
      case "zero_z_head1_last_layer" ->
          edit("blocks.2.attn.hook_z", Selection.ofHeads(1), new Edit.Zero());
      case "add_4xdirection_resid_pre_1_pos2to4" ->
          edit(
              "blocks.1.hook_resid_pre",
              Selection.ofPositions(2, 3, 4),
              new Edit.AddDirection(direction, 4));
      case "scale_half_mlp_out_0" ->
          edit("blocks.0.hook_mlp_out", Selection.ALL, new Edit.Scale(0.5f));
      case "mean_ablate_attn_out_0" ->
          edit("blocks.0.hook_attn_out", Selection.ALL, new Edit.BatchMean(false));
      case "project_out_direction_resid_mid_1" ->
          edit("resid_mid1", Selection.ALL, new Edit.ProjectOut(List.of(direction)));
      case "patch_resid_post_1_row0_pos5_from_row2" ->
          edit(
              "blocks.1.hook_out",
              new Selection(List.of(5), List.of(), List.of(0)),
              new Edit.Patch(new Edit.Source.Row(2), List.of()));
      default -> throw new AssertionError("no test reads the golden edit " + name);
    };
  }

  private Intervention edit(String point, Selection selection, Edit edit) {
    return new Intervention(points.named(point), selection, edit);
  }

  private void edited(String name, Intervention intervention) {
    try (NDManager scope = tiny.loaded().newScope()) {
      check("edit/" + name, tiny.run(scope, program(intervention)).requireLogits());
    }
  }

  private HookProgram program(Intervention intervention) {
    return HookProgram.builder(tiny.transformer().config()).intervene(intervention).build();
  }

  private void check(String name, NDArray actual) {
    HostTensor value = NdArrays.copy(actual);
    GoldenAssert.assertClose(name, value.shape(), value.toFloats(), tiny.golden().tensor(name));
  }
}
