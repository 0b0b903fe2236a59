package dev.loupe.inference.gradients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.GoldenAssert;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Golden attribution patching, to 1e-4 of each tensor's largest magnitude. */
class AttributionPatchingTest {
  private static final String PREFIX = "attribution_patching/";

  @Test
  void patchingEveryHookPointFromRow0IntoRow1(@TempDir Path folder) throws Exception {
    try (TinyModel tiny = new TinyModel(folder);
        NDManager scope = tiny.loaded().newScope()) {
      HookPoints points = new HookPoints(tiny.loaded().config());
      AttributionPatching.Effects effects =
          new AttributionPatching(tiny.transformer(), new NdBackwardOps())
              .run(
                  scope,
                  tiny.rows()[0],
                  tiny.rows()[1],
                  new Metric.LogitDifference(-1, 3, 7),
                  new TreeSet<>(points.all()),
                  PassControl.NONE);
      List<String> names =
          tiny.golden().names().stream()
              .filter(name -> name.startsWith(PREFIX))
              .map(name -> name.substring(PREFIX.length()))
              .toList();
      assertThat(names).hasSize(6);
      for (String name : names) {
        HostTensor value = NdArrays.copy(effects.effects().get(points.named(name)));
        long[] shape = value.shape();
        assertThat(shape[0]).isEqualTo(1);
        GoldenAssert.assertClose(name, value.toFloats(), tiny.golden().tensor(PREFIX + name));
      }
      assertThat(effects.effects().keySet()).containsExactlyElementsOf(points.all());
      for (HookPoint point : points.all()) {
        for (float effect : NdArrays.floats(effects.effects().get(point))) {
          assertThat(effect).as(point.name()).isFinite();
        }
      }
      double[] logits = tiny.golden().tensor("run/logits").values();
      int end = 16 * 211;
      assertThat(effects.cleanMetric()).isCloseTo(logits[end + 3] - logits[end + 7], offset(1e-4));
      int second = 33 * 211;
      assertThat(effects.corruptMetric())
          .isCloseTo(logits[second + 3] - logits[second + 7], offset(1e-4));
    }
  }
}
