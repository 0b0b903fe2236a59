package dev.loupe.tensor.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.tensor.TensorEngine;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class TorchKernelsTest {

  @Test
  void callsFromManyThreadsGiveWhatOneGives() {
    try (TorchKernels kernels = TorchKernels.load(TorchKernels.class, "forward.pt");
        NDManager scope = TensorEngine.newManager()) {
      NDArray x = scope.randomNormal(new Shape(2, 3, 5));
      NDArray weight = scope.randomNormal(new Shape(7, 5));
      NDArray bias = scope.randomNormal(new Shape(7));
      float[] expected = x.matMul(weight.transpose()).add(bias).toFloatArray();
      List<float[]> results =
          IntStream.range(0, 64)
              .parallel()
              .mapToObj(
                  i -> {
                    try (NDManager own = TensorEngine.newManager()) {
                      NDArray y = kernels.call("linear").with(x).with(weight).with(bias).array(own);
                      assertThat(y.getManager()).isSameAs(own);
                      assertThat(y.getShape()).isEqualTo(new Shape(2, 3, 7));
                      return y.toFloatArray();
                    }
                  })
              .toList();
      assertThat(results)
          .allSatisfy(
              result -> {
                for (int i = 0; i < expected.length; i++) {
                  assertThat(result[i]).isCloseTo(expected[i], within(1e-5f));
                }
              });
    }
  }

  /** One row, two, a few as columns, and more; by either library where there are two. */
  @Test
  void everyWayOfUnembeddingGivesTheSameLogits() {
    boolean onednn = System.getProperty("os.arch").equals("amd64");
    for (String module :
        onednn ? List.of("forward.pt", "forward_onednn.pt") : List.of("forward.pt")) {
      try (TorchKernels kernels = TorchKernels.load(TorchKernels.class, module);
          NDManager scope = TensorEngine.newManager()) {
        NDArray weight = scope.randomNormal(new Shape(37, 12));
        for (int rows : new int[] {1, 2, 3, 32, 33, 70}) {
          NDArray x = scope.randomNormal(new Shape(1, rows, 12));
          float[] expected = x.matMul(weight.transpose()).toFloatArray();
          for (boolean mkl : new boolean[] {true, false}) {
            NDArray logits =
                kernels
                    .call("unembed")
                    .with(x)
                    .with(weight)
                    .with(List.<NDArray>of())
                    .with(mkl)
                    .array(scope);
            assertThat(logits.getShape()).isEqualTo(new Shape(1, rows, 37));
            assertThat(logits.toFloatArray()).containsExactly(expected, within(1e-4f));
          }
        }
      }
    }
  }

  private static Offset<Float> within(float offset) {
    return Offset.offset(offset);
  }

  @Test
  void whatTheEngineRefusesIsAnException() {
    try (TorchKernels kernels = TorchKernels.load(TorchKernels.class, "forward.pt");
        NDManager scope = TensorEngine.newManager()) {
      NDArray x = scope.ones(new Shape(2, 3));
      assertThatThrownBy(() -> kernels.call("linear").with(x).with(x).with(x).array(scope))
          .isInstanceOf(EngineException.class);
      assertThatThrownBy(() -> kernels.call("no_such_method").with(x).array(scope))
          .isInstanceOf(EngineException.class);
      assertThatThrownBy(() -> TorchKernels.load(TorchKernels.class, "none.pt"))
          .isInstanceOf(UncheckedIOException.class)
          .hasStackTraceContaining("none.pt");
    }
  }
}
