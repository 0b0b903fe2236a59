package dev.loupe.inference.gradients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.GoldenAssert;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every golden gradient of the tiny model, computed elsewhere in float64. Float32 results are held
 * to 1e-4 of each tensor's largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GoldenGradientsTest {
  private static final Metric METRIC = new Metric.LogitDifference(-1, 3, 7);

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

  private List<String> goldenNames() {
    return tiny.golden().names().stream()
        .filter(name -> name.startsWith("grad/"))
        .map(name -> name.substring("grad/".length()))
        .toList();
  }

  private Gradients run(NDManager scope, Collection<HookPoint> asked) {
    HookProgram.Builder wanted = HookProgram.builder(tiny.loaded().config());
    asked.forEach(wanted::capture);
    return new GradientPass(tiny.transformer(), new NdBackwardOps())
        .run(
            scope,
            List.of(tiny.rows()[0]),
            List.of(METRIC),
            HookProgram.builder(tiny.loaded().config()),
            wanted.build(),
            PassControl.NONE);
  }

  @Test
  void everyHookPointInOnePass() {
    try (NDManager scope = tiny.loaded().newScope()) {
      Gradients gradients = run(scope, points.all());
      assertThat(gradients.gradients().captures().keySet()).containsExactlyElementsOf(points.all());
      assertThat(goldenNames()).hasSize(57);
      for (String name : goldenNames()) {
        check(name, gradients.gradients().capture(points.named(name)));
      }
      double[] logits = tiny.golden().tensor("run/logits").values();
      assertThat(gradients.metrics()).hasSize(1);
      assertThat(gradients.metrics()[0])
          .isCloseTo(logits[16 * 211 + 3] - logits[16 * 211 + 7], offset(1e-4));
    }
  }

  @TestFactory
  List<DynamicTest> everyHookPointAlone() {
    return goldenNames().stream()
        .map(
            name ->
                DynamicTest.dynamicTest(
                    name,
                    () -> {
                      try (NDManager scope = tiny.loaded().newScope()) {
                        HookPoint point = points.named(name);
                        Gradients gradients = run(scope, List.of(point));
                        assertThat(gradients.gradients().captures()).containsOnlyKeys(point);
                        check(name, gradients.gradients().capture(point));
                      }
                    }))
        .toList();
  }

  private void check(String name, NDArray actual) {
    HostTensor value = NdArrays.copy(actual);
    GoldenAssert.assertClose(
        name, value.shape(), value.toFloats(), tiny.golden().tensor("grad/" + name));
  }
}
