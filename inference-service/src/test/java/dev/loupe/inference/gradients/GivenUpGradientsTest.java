package dev.loupe.inference.gradients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Before every layer, on the way there and back, a gradient looks whether it is still wanted, and
 * leaves nothing when it is not.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GivenUpGradientsTest {
  private static final HookPoint EMBED = HookPoint.of(HookKind.EMBED);
  private static final Metric METRIC = new Metric.LogitDifference(-1, 3, 7);

  private TinyModel tiny;
  private int layers;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    tiny = new TinyModel(folder);
    layers = tiny.loaded().config().layers();
  }

  @AfterAll
  void close() {
    tiny.close();
  }

  /** Gives work up at each of its looks in turn; it has this many, or a few more. */
  private void stopsAtEachOf(int least, BiConsumer<NDManager, PassControl> work) {
    int looks = looks(work, Integer.MAX_VALUE);
    assertThat(looks).isBetween(least, least + 2);
    for (int last = 1; last <= looks; last++) {
      assertThat(looks(work, last)).isEqualTo(last);
    }
  }

  /** Gives work up at one look; returns how many there were. */
  private int looks(BiConsumer<NDManager, PassControl> work, int last) {
    int[] seen = {0};
    PassControl control =
        layer -> {
          if (++seen[0] == last) {
            throw new CancellationException("nobody waits");
          }
        };
    try (NDManager scope = tiny.loaded().newScope()) {
      if (last == Integer.MAX_VALUE) {
        work.accept(scope, control);
      } else {
        assertThatThrownBy(() -> work.accept(scope, control))
            .isInstanceOf(CancellationException.class);
        assertThat(scope.getManagedArrays()).isEmpty();
      }
    }
    return seen[0];
  }

  @Test
  void gradients() {
    stopsAtEachOf(
        2 * layers,
        (scope, control) -> {
          HookProgram.Builder asked = HookProgram.builder(tiny.loaded().config());
          asked.capture(EMBED);
          new GradientPass(tiny.transformer(), new NdBackwardOps())
              .run(
                  scope,
                  List.of(tiny.rows()[0]),
                  List.of(METRIC),
                  HookProgram.builder(tiny.loaded().config()),
                  asked.build(),
                  control);
        });
  }

  @Test
  void attributionPatching() {
    // The clean run ends with the block whose input is the last that is read.
    HookPoint point = HookPoint.of(HookKind.RESID_POST, layers - 1);
    stopsAtEachOf(
        3 * layers,
        (scope, control) ->
            new AttributionPatching(tiny.transformer(), new NdBackwardOps())
                .run(
                    scope,
                    tiny.rows()[0],
                    tiny.rows()[1],
                    METRIC,
                    new TreeSet<>(List.of(EMBED, point)),
                    control));
  }

  @Test
  void linearAttributions() {
    SortedSet<HookPoint> sources = new TreeSet<>(List.of(EMBED));
    float[] vector = new float[tiny.loaded().config().dModel()];
    vector[0] = 1;
    List<LinearTarget> targets =
        List.of(new LinearTarget(HookPoint.of(HookKind.UNEMBED_IN), 2, vector));
    try (NDManager owner = tiny.loaded().newScope()) {
      FrozenModel frozen =
          FrozenModel.of(tiny.transformer(), owner, tiny.rows()[0], sources, PassControl.NONE);
      stopsAtEachOf(layers, (scope, control) -> frozen.attribute(scope, targets, control));
    }
  }
}
