package dev.loupe.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NdArraysTest {

  @Test
  void arraysHoldWhatTensorsHold() {
    try (NDManager manager = TensorEngine.newManager()) {
      HostTensor floats = HostTensor.ofFloats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
      assertThat(NdArrays.copy(NdArrays.of(manager, floats))).isEqualTo(floats);
      HostTensor longs = HostTensor.ofLongs(new long[] {-1, 1L << 40}, 2);
      assertThat(NdArrays.copy(NdArrays.of(manager, longs))).isEqualTo(longs);
      HostTensor half = HostTensor.ofFloats(new float[] {0.5f, -3}, 2).as(ElementType.F16);
      assertThat(NdArrays.floats(NdArrays.of(manager, half))).containsExactly(0.5f, -3);
      HostTensor bfloat = HostTensor.ofFloats(new float[] {0.5f, -3}, 2).as(ElementType.BF16);
      assertThat(NdArrays.floats(NdArrays.of(manager, bfloat))).containsExactly(0.5f, -3);
    }
  }

  @Test
  void anUnalignedTensorIsCopied() {
    try (NDManager manager = TensorEngine.newManager()) {
      ByteBuffer bytes = ByteBuffer.allocateDirect(64).order(ByteOrder.LITTLE_ENDIAN);
      bytes.putFloat(1, 7.5f).putFloat(5, -1);
      HostTensor odd = new HostTensor(ElementType.F32, new long[] {2}, bytes.slice(1, 8));
      NDArray array = NdArrays.of(manager, odd);
      bytes.putFloat(1, 0);
      assertThat(array.toFloatArray()).containsExactly(7.5f, -1);
    }
  }

  @Test
  void viewsOfStridedArraysAreInOrder() {
    try (NDManager manager = TensorEngine.newManager()) {
      NDArray array = manager.arange(6f).reshape(new Shape(2, 3)).transpose();
      HostTensor view = NdArrays.view(array);
      assertThat(view.shape()).containsExactly(3, 2);
      assertThat(view.toFloats()).containsExactly(0, 3, 1, 4, 2, 5);
    }
  }

  @Test
  void tensorsOutliveTheFileThatTheyWereReadFrom(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("t.safetensors");
    SafetensorsWriter.write(
        file, Map.of("x", HostTensor.ofFloats(new float[] {1, 2}, 2)), Map.of());
    try (NDManager manager = TensorEngine.newManager()) {
      NDArray array;
      try (SafetensorsFile source = SafetensorsFile.open(file)) {
        array = NdArrays.of(manager, source.read("x"));
      }
      assertThat(array.mul(3).toFloatArray()).containsExactly(3, 6);
    }
  }

  @Test
  void tensorsCheckTheirSize() {
    assertThatThrownBy(() -> HostTensor.ofFloats(new float[3], 2, 2))
        .hasMessageContaining("12 bytes")
        .hasMessageContaining("takes 16");
    assertThatThrownBy(() -> HostTensor.elements(new long[] {1L << 40, 1L << 40}))
        .hasMessageContaining("too large");
    assertThatThrownBy(() -> HostTensor.ofFloats(new float[1], 1).toLongs())
        .hasMessageContaining("not integers");
    assertThatThrownBy(
            () -> new LabelledTensor(HostTensor.ofFloats(new float[1], 1), java.util.List.of()))
        .hasMessageContaining("0 axis names for 1 dimensions");
  }
}
