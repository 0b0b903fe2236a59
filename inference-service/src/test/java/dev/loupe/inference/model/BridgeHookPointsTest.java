package dev.loupe.inference.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.InvalidInterventionException;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.inference.model.hooks.UnknownHookPointException;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import dev.loupe.testkit.golden.GoldenFile;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The places that only TransformerLens's bridge has, against what it gives itself: the values, and
 * the last position's logits after the first half of the width was scaled by 0.3. Golden values are
 * held to 1e-4 of each tensor's largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BridgeHookPointsTest {
  private final GoldenFile golden = Golden.file("gpt2-tiny/bridge.safetensors");
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

  static Stream<String> names() {
    return Golden.file("gpt2-tiny/bridge.safetensors").names().stream()
        .filter(name -> name.startsWith("bridge_run/"))
        .map(name -> name.substring("bridge_run/".length()));
  }

  @Test
  void fourOfEveryBlock() {
    assertThat(names()).hasSize(12);
  }

  @ParameterizedTest
  @MethodSource("names")
  void holdTheBridgesValues(String name) {
    HookPoint point = points.named(name);
    try (NDManager scope = tiny.loaded().newScope()) {
      HookProgram program = HookProgram.builder(tiny.transformer().config()).capture(point).build();
      GoldenAssert.assertClose(
          name,
          NdArrays.floats(tiny.run(scope, program).capture(point)),
          golden.tensor("bridge_run/" + name));
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void areEditedAsInTheBridge(String name) {
    Selection half = Selection.ofNeurons(IntStream.range(0, 16).boxed().toArray(Integer[]::new));
    HookProgram program =
        HookProgram.builder(tiny.transformer().config())
            .intervene(new Intervention(points.named(name), half, new Edit.Scale(0.3f)))
            .build();
    try (NDManager scope = tiny.loaded().newScope()) {
      GoldenAssert.assertClose(
          name,
          NdArrays.floats(tiny.run(scope, program).requireLogits().get(new NDIndex(":, -1"))),
          golden.tensor("bridge_edit/" + name));
    }
  }

  @Test
  void editsOfAHeadsOwnInputExcludeThem() {
    for (String name : List.of("blocks.1.ln1.hook_in", "blocks.1.attn.k.hook_in")) {
      HookProgram program =
          HookProgram.builder(tiny.transformer().config())
              .intervene(new Intervention(points.named(name), Selection.ALL, new Edit.Scale(0.5f)))
              .intervene(
                  new Intervention(
                      points.named("blocks.1.hook_v_input"), Selection.ALL, new Edit.Scale(0.5f)))
              .build();
      try (NDManager scope = tiny.loaded().newScope()) {
        assertThatThrownBy(() -> tiny.run(scope, program))
            .isInstanceOf(InvalidInterventionException.class)
            .hasMessageContaining("exclude each other");
      }
    }
  }

  @Test
  void theJointProjectionNeverRuns() {
    assertThatThrownBy(() -> points.named("blocks.0.attn.qkv.hook_in"))
        .isInstanceOf(UnknownHookPointException.class)
        .hasMessageContaining("attn.q.hook_in");
    assertThatThrownBy(() -> points.named("blocks.2.attn.qkv.hook_out"))
        .isInstanceOf(UnknownHookPointException.class)
        .hasMessageContaining("attn.hook_q, attn.hook_k and attn.hook_v");
  }
}
