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

  /** Where the engine computes, whatever memory the numbers came in. */
  @Test
  void everyArrayBeginsAtALine() {
    try (NDManager manager = TensorEngine.newManager()) {
      for (int distance = 0; distance < 64; distance += 4) {
        ByteBuffer room = EngineMemory.allocate(64 + 20);
        room.putFloat(distance, 7.5f).putFloat(distance + 16, -1);
        ByteBuffer bytes = room.slice(distance, 20);
        HostTensor tensor = new HostTensor(ElementType.F32, new long[] {5}, bytes);
        NDArray array = NdArrays.of(manager, tensor);
        assertThat(array.toFloatArray()).containsExactly(7.5f, 0, 0, 0, -1);
        assertAtLine(array);
        room.putFloat(distance, 0);
        assertThat(array.getFloat(0)).isEqualTo(distance == 0 ? 0 : 7.5f);
      }
      for (int size = 1; size < 40; size++) {
        float[] values = new float[size];
        values[size - 1] = size;
        NDArray vector = NdArrays.of(manager, values);
        assertThat(vector.toFloatArray()).isEqualTo(values);
        assertAtLine(vector);
        assertAtLine(NdArrays.of(manager, values, new Shape(size, 1)));
        assertAtLine(manager.create(new Shape(size)));
        assertAtLine(vector.add(1));
        HostTensor copy = NdArrays.copy(vector);
        assertThat(copy.data().alignmentOffset(0, 64)).isZero();
        assertThat(copy.as(ElementType.F16).data().alignmentOffset(0, 64)).isZero();
      }
    }
  }

  private static void assertAtLine(NDArray array) {
    assertThat(array.toByteBuffer(true).alignmentOffset(0, 64)).isZero();
  }

  /** On some processors these add in another order where an array lies elsewhere. */
  @Test
  void productsGiveTheSameBitsWhereverTheirNumbersLay() {
    try (NDManager manager = TensorEngine.newManager()) {
      for (int rows : new int[] {1, 2, 5}) {
        HostTensor x = NdArrays.copy(manager.randomNormal(new Shape(rows, 32)));
        HostTensor w = NdArrays.copy(manager.randomNormal(new Shape(211, 32)));
        float[] expected = products(manager, x, w);
        for (int distance = 4; distance < 64; distance += 4) {
          assertThat(products(manager, shifted(x, distance), w)).isEqualTo(expected);
          assertThat(products(manager, x, shifted(w, distance))).isEqualTo(expected);
        }
      }
    }
  }

  private static float[] products(NDManager manager, HostTensor x, HostTensor w) {
    NDArray rows = NdArrays.of(manager, x).matMul(NdArrays.of(manager, w).transpose());
    NDArray columns = NdArrays.of(manager, w).matMul(NdArrays.of(manager, x).transpose());
    return NdArrays.floats(rows.concat(columns.transpose(), 1));
  }

  private static HostTensor shifted(HostTensor tensor, int distance) {
    ByteBuffer room = EngineMemory.allocate(distance + tensor.data().remaining());
    room.position(distance);
    ByteBuffer bytes = room.slice().put(tensor.data()).flip();
    return new HostTensor(tensor.type(), tensor.shape(), bytes);
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
