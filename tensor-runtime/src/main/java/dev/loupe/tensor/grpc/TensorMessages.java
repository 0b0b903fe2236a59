package dev.loupe.tensor.grpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.tensor.EngineMemory;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.NoSuchElementException;

/** Whole tensors as messages, and as sequences of chunks. */
public final class TensorMessages {
  /** Most data bytes in one chunk: 1 MiB. */
  public static final int MAX_CHUNK_BYTES = 1 << 20;

  private TensorMessages() {}

  /**
   * One message that shares the tensor's memory: the memory must not change, and must stay valid,
   * until the message has been sent.
   */
  public static Tensor toMessage(LabelledTensor tensor) {
    return Tensor.newBuilder()
        .setLayout(TensorLayouts.of(tensor))
        .setData(UnsafeByteOperations.unsafeWrap(tensor.tensor().data()))
        .build();
  }

  /**
   * The tensor of a message, over a copy of its bytes in direct memory.
   *
   * @param limit largest number of data bytes to accept
   * @throws TensorWireException when the message breaks the format or is over the limit
   */
  public static LabelledTensor fromMessage(Tensor message, long limit) {
    TensorLayouts layout = TensorLayouts.check(message.getLayout(), limit);
    ByteString data = message.getData();
    if (data.size() != layout.bytes()) {
      throw TensorWireException.invalid(
          "data has %d bytes; expected %d, as the layout says"
              .formatted(data.size(), layout.bytes()));
    }
    ByteBuffer copy = EngineMemory.allocate(data.size());
    data.copyTo(copy);
    return new LabelledTensor(
        new HostTensor(layout.type(), layout.shape(), copy.flip()), layout.axes());
  }

  /**
   * The chunks of a tensor, made one at a time as they are asked for. They share the tensor's
   * memory, which must not change, and must stay valid, until the last has been sent.
   */
  public static Iterator<TensorChunk> chunks(LabelledTensor tensor) {
    return new Chunks(TensorLayouts.of(tensor), tensor.tensor().data());
  }

  private static final class Chunks implements Iterator<TensorChunk> {
    private final TensorLayout layout;
    private final ByteBuffer data;
    private int offset;
    private boolean started;

    Chunks(TensorLayout layout, ByteBuffer data) {
      this.layout = layout;
      this.data = data;
    }

    @Override
    public boolean hasNext() {
      return !started || offset < data.limit();
    }

    @Override
    public TensorChunk next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      int length = Math.min(MAX_CHUNK_BYTES, data.limit() - offset);
      TensorChunk.Builder chunk = TensorChunk.newBuilder().setOffset(offset);
      if (!started) {
        chunk.setLayout(layout);
      }
      chunk.setData(UnsafeByteOperations.unsafeWrap(data.slice(offset, length)));
      started = true;
      offset += length;
      return chunk.build();
    }
  }
}
