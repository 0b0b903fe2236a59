package dev.loupe.tensor.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TensorMessagesTest {
  private static final long LIMIT = 16 << 20;

  private static LabelledTensor ramp(int rows, int width) {
    float[] values = new float[rows * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    return new LabelledTensor(HostTensor.ofFloats(values, rows, width), List.of("row", "d_model"));
  }

  private static List<TensorChunk> chunks(LabelledTensor tensor) {
    List<TensorChunk> chunks = new ArrayList<>();
    TensorMessages.chunks(tensor).forEachRemaining(chunks::add);
    return chunks;
  }

  /** As it goes over the wire: through bytes. */
  private static TensorChunk sent(TensorChunk chunk) {
    try {
      return TensorChunk.parseFrom(chunk.toByteString());
    } catch (com.google.protobuf.InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void wholeTensorsComeBack() throws Exception {
    LabelledTensor tensor = ramp(3, 5);
    Tensor message = Tensor.parseFrom(TensorMessages.toMessage(tensor).toByteString());
    assertThat(message.getLayout().getDtype()).isEqualTo(DType.DTYPE_F32);
    assertThat(TensorMessages.fromMessage(message, LIMIT)).isEqualTo(tensor);
    LabelledTensor scalar = new LabelledTensor(HostTensor.ofLongs(new long[] {5}), List.of());
    assertThat(TensorMessages.fromMessage(TensorMessages.toMessage(scalar), 8)).isEqualTo(scalar);
  }

  @Test
  void largeTensorsTravelInChunksOfAMebibyte() {
    LabelledTensor tensor = ramp(700, 1000); // 2.8 MB
    List<TensorChunk> chunks = chunks(tensor);
    assertThat(chunks)
        .extracting(chunk -> chunk.getData().size())
        .containsExactly(1 << 20, 1 << 20, 2_800_000 - (2 << 20));
    assertThat(chunks).extracting(TensorChunk::hasLayout).containsExactly(true, false, false);
    TensorAssembler assembler = new TensorAssembler(LIMIT);
    assertThat(assembler.add(sent(chunks.get(0)))).isEmpty();
    assertThat(assembler.isPartial()).isTrue();
    assertThat(assembler.add(sent(chunks.get(1)))).isEmpty();
    assertThat(assembler.add(sent(chunks.get(2)))).contains(tensor);
    assertThat(assembler.isPartial()).isFalse();
    LabelledTensor next = ramp(1, 2);
    assertThat(assembler.add(sent(chunks(next).get(0)))).contains(next);
  }

  @Test
  void anEmptyTensorIsOneChunk() {
    LabelledTensor empty = new LabelledTensor(HostTensor.ofFloats(new float[0], 0), List.of("row"));
    List<TensorChunk> chunks = chunks(empty);
    assertThat(chunks).hasSize(1);
    assertThat(new TensorAssembler(0).add(sent(chunks.get(0)))).contains(empty);
  }

  @Test
  void chunksShareTheTensorsMemory() {
    LabelledTensor tensor = ramp(1, 4);
    Iterator<TensorChunk> chunks = TensorMessages.chunks(tensor);
    ByteString data = chunks.next().getData();
    tensor.tensor().data().putFloat(0, 99);
    assertThat(data.asReadOnlyByteBuffer().order(java.nio.ByteOrder.LITTLE_ENDIAN).getFloat())
        .isEqualTo(99);
  }

  @Test
  void memoryGivenBackIsUsedForTheNextArrayOfItsSize() {
    TensorAssembler assembler = new TensorAssembler(LIMIT);
    LabelledTensor first = assembler.add(sent(chunks(ramp(2, 2)).get(0))).orElseThrow();
    assembler.reuse(first);
    LabelledTensor other = ramp(1, 4);
    LabelledTensor second = assembler.add(sent(chunks(other).get(0))).orElseThrow();
    assertThat(second).isEqualTo(other);
    first.tensor().data().putFloat(0, 99);
    assertThat(second.tensor().floatAt(0)).isEqualTo(99);

    assembler.reuse(second);
    LabelledTensor larger = assembler.add(sent(chunks(ramp(3, 3)).get(0))).orElseThrow();
    assertThat(larger).isEqualTo(ramp(3, 3));
    assertThat(assembler.add(sent(chunks(ramp(3, 3)).get(0)))).contains(larger);
  }

  private static TensorLayout layout(DType type, Axis... axes) {
    return TensorLayout.newBuilder().setDtype(type).addAllAxes(List.of(axes)).build();
  }

  private static Axis axis(String name, long size) {
    return Axis.newBuilder().setName(name).setSize(size).build();
  }

  private static void refused(TensorLayout layout, int bytes, String message) {
    Tensor tensor =
        Tensor.newBuilder().setLayout(layout).setData(ByteString.copyFrom(new byte[bytes])).build();
    assertThatThrownBy(() -> TensorMessages.fromMessage(tensor, 1000))
        .isInstanceOf(TensorWireException.class)
        .hasMessageContaining(message);
  }

  @Test
  void brokenLayoutsAreRefused() {
    refused(layout(DType.DTYPE_UNSPECIFIED), 4, "layout.dtype is DTYPE_UNSPECIFIED");
    refused(TensorLayout.newBuilder().setDtypeValue(77).build(), 4, "layout.dtype is 77");
    refused(layout(DType.DTYPE_F32, axis("row", -1)), 0, "layout.axes[0].size is -1");
    refused(layout(DType.DTYPE_F32, axis("", 1)), 4, "layout.axes[0].name");
    refused(layout(DType.DTYPE_F32, axis("a", 1), axis("a", 1)), 4, "layout.axes[1].name is 'a'");
    refused(layout(DType.DTYPE_F32, axis("row", 2)), 4, "data has 4 bytes; expected 8");
    refused(layout(DType.DTYPE_F32, axis("row", 251)), 4, "1004 bytes; expected at most 1000");
    refused(layout(DType.DTYPE_I64, axis("a", 1L << 40), axis("b", 1L << 40)), 0, "at most 1000");
    Axis[] nine = new Axis[9];
    for (int i = 0; i < nine.length; i++) {
      nine[i] = axis("a" + i, 1);
    }
    refused(layout(DType.DTYPE_F32, nine), 4, "9 axes");
  }

  private static Optional<LabelledTensor> add(
      TensorAssembler assembler, TensorLayout layout, long offset, int bytes) {
    TensorChunk.Builder chunk =
        TensorChunk.newBuilder().setOffset(offset).setData(ByteString.copyFrom(new byte[bytes]));
    if (layout != null) {
      chunk.setLayout(layout);
    }
    return assembler.add(chunk.build());
  }

  @Test
  void brokenSequencesAreRefusedAndForgotten() {
    TensorLayout eight = layout(DType.DTYPE_F32, axis("row", 2));
    TensorAssembler assembler = new TensorAssembler(100);
    assertThatThrownBy(() -> add(assembler, null, 0, 4)).hasMessageContaining("no layout");
    assertThatThrownBy(() -> add(assembler, eight, 4, 4)).hasMessageContaining("expected 0");
    add(assembler, eight, 0, 4);
    assertThatThrownBy(() -> add(assembler, eight, 4, 4)).hasMessageContaining("only the first");
    assertThat(assembler.isPartial()).isFalse();
    add(assembler, eight, 0, 4);
    assertThatThrownBy(() -> add(assembler, null, 0, 4)).hasMessageContaining("expected 4");
    add(assembler, eight, 0, 4);
    assertThatThrownBy(() -> add(assembler, null, 4, 5)).hasMessageContaining("more than the 8");
    add(assembler, eight, 0, 4);
    assertThatThrownBy(() -> add(assembler, null, 4, 0)).hasMessageContaining("empty chunk");
    assertThatThrownBy(() -> add(assembler, eight, 0, (1 << 20) + 1))
        .hasMessageContaining("1048577 bytes");
    TensorLayout large = layout(DType.DTYPE_F32, axis("row", 26));
    assertThatThrownBy(() -> add(assembler, large, 0, 4))
        .isInstanceOfSatisfying(
            TensorWireException.class, e -> assertThat(e.isTooLarge()).isTrue());
  }

  @Test
  void sixteenBitTensorsTravelAsTheyAre() throws Exception {
    for (ElementType type : List.of(ElementType.F16, ElementType.BF16)) {
      LabelledTensor narrow =
          new LabelledTensor(ramp(3, 5).tensor().as(type), List.of("row", "d_model"));
      Tensor message = Tensor.parseFrom(TensorMessages.toMessage(narrow).toByteString());
      assertThat(message.getLayout().getDtype().name()).isEqualTo("DTYPE_" + type);
      assertThat(message.getData().size()).isEqualTo(3 * 5 * 2);
      assertThat(TensorMessages.fromMessage(message, LIMIT)).isEqualTo(narrow);
      assertThat(narrow.tensor().toF32()).isEqualTo(ramp(3, 5).tensor());
      assertThat(new TensorAssembler(LIMIT).add(sent(chunks(narrow).get(0)))).contains(narrow);
    }
  }

  @Test
  void otherTypesHaveNoWireType() {
    LabelledTensor wide =
        new LabelledTensor(
            HostTensor.ofFloats(new float[] {1}, 1).as(ElementType.F64), List.of("row"));
    assertThatThrownBy(() -> TensorMessages.toMessage(wide)).hasMessageContaining("F32");
  }
}
