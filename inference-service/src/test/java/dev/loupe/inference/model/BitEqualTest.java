package dev.loupe.inference.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.memory.ShiftedMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The same pass gives the same bits, wherever its arrays lie (ADR 0016). What files hold is in
 * {@link ModelLoaderTest}.
 */
@TestInstance(Lifecycle.PER_CLASS)
class BitEqualTest {
  private TinyModel tiny;
  private HookedTransformer model;

  @BeforeAll
  void load(@TempDir Path folder) throws IOException {
    tiny = new TinyModel(folder);
    model = tiny.transformer();
  }

  @AfterAll
  void close() {
    tiny.close();
  }

  private Stream<HookPoint> points() {
    return new HookPoints(model.config()).all().stream();
  }

  /** Of one token, of a few, which the unembedding takes as columns, and of more than that. */
  @ParameterizedTest
  @MethodSource("points")
  void aReplacementMayLieAnywhere(HookPoint point) {
    for (int width : new int[] {1, 5, 40}) {
      int[] tokens = new Random(width).ints(width, 0, 211).toArray();
      float[] expected = logits(point, tokens, 0);
      ShiftedMemory.distances()
          .forEach(
              distance ->
                  assertThat(logits(point, tokens, distance))
                      .as("%d tokens, %d bytes behind a line", width, distance)
                      .isEqualTo(expected));
    }
  }

  private float[] logits(HookPoint point, int[] tokens, int distance) {
    HookProgram program =
        HookProgram.builder(model.config())
            .live(point, (at, value) -> shifted(value, distance))
            .build();
    try (NDManager scope = tiny.loaded().newScope()) {
      ForwardOptions options = ForwardOptions.plain().with(program);
      return NdArrays.floats(model.forward(scope, TokenBatch.of(tokens), options).requireLogits());
    }
  }

  private static NDArray shifted(NDArray value, int distance) {
    HostTensor there = NdArrays.view(value);
    HostTensor shifted =
        new HostTensor(there.type(), there.shape(), ShiftedMemory.copyOf(there.data(), distance));
    return NdArrays.of(value.getManager(), shifted);
  }
}
