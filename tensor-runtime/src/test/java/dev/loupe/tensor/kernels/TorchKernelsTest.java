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
