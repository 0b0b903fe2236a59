package dev.loupe.tensor.grpc;

import com.google.protobuf.ByteString;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.tensor.EngineMemory;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * Puts the chunks of one array after another together. Memory is taken when an array's first chunk
 * has come and its size is known to be within the limit. Not thread-safe.
 */
public final class TensorAssembler {
  private static final int MAX_SPARE = 4;

  private final long limit;
  private final Deque<ByteBuffer> spare = new ArrayDeque<>();
  private TensorLayouts layout;
  private ByteBuffer data;

  /**
   * An assembler.
   *
   * @param limit largest number of bytes of one array
   */
  public TensorAssembler(long limit) {
    this.limit = limit;
  }

  /**
   * Takes the next chunk.
   *
   * @return the array when this was its last chunk; the next chunk then begins another array
   * @throws TensorWireException when the chunk breaks the format, or the array is over the limit;
   *     the assembler is then at the start of an array again
   */
  public Optional<LabelledTensor> add(TensorChunk chunk) {
    try {
      return accept(chunk);
    } catch (TensorWireException e) {
      reset();
      throw e;
    }
  }

  /** True when an array has begun and has not ended. */
  public boolean isPartial() {
    return layout != null;
  }

  /**
   * Gives an array's memory back, for a later array of the same size: fresh memory costs about as
   * much as filling it. Nobody may use the array any more.
   */
  public void reuse(LabelledTensor array) {
    ByteBuffer memory = array.tensor().data();
    if (memory.isDirect() && !memory.isReadOnly() && spare.size() < MAX_SPARE) {
      spare.addLast(memory);
    }
  }

  private Optional<LabelledTensor> accept(TensorChunk chunk) {
    ByteString bytes = chunk.getData();
    if (bytes.size() > TensorMessages.MAX_CHUNK_BYTES) {
      throw TensorWireException.invalid(
          "a chunk has %d bytes; expected at most %d"
              .formatted(bytes.size(), TensorMessages.MAX_CHUNK_BYTES));
    }
    if (layout == null) {
      begin(chunk);
    } else if (chunk.hasLayout()) {
      throw TensorWireException.invalid(
          "a chunk at offset %d has a layout; only the first may".formatted(chunk.getOffset()));
    }
    if (chunk.getOffset() != data.position()) {
      throw TensorWireException.invalid(
          "a chunk has offset %d; expected %d".formatted(chunk.getOffset(), data.position()));
    }
    if (bytes.size() > data.remaining()) {
      throw TensorWireException.invalid(
          "the chunks hold more than the %d bytes of the layout".formatted(layout.bytes()));
    }
    if (bytes.isEmpty() && data.hasRemaining()) {
      throw TensorWireException.invalid(
          "an empty chunk at offset %d, with %d bytes to come"
              .formatted(chunk.getOffset(), data.remaining()));
    }
    bytes.copyTo(data);
    if (data.hasRemaining()) {
      return Optional.empty();
    }
    LabelledTensor whole =
        new LabelledTensor(
            new HostTensor(layout.type(), layout.shape(), data.flip()), layout.axes());
    reset();
    return Optional.of(whole);
  }

  private void begin(TensorChunk chunk) {
    if (!chunk.hasLayout()) {
      throw TensorWireException.invalid("the first chunk of an array has no layout");
    }
    layout = TensorLayouts.check(chunk.getLayout(), limit);
    data = memory((int) layout.bytes());
  }

  private ByteBuffer memory(int bytes) {
    ByteBuffer last = spare.pollFirst();
    while (last != null) {
      if (last.capacity() == bytes) {
        return last.clear().order(ByteOrder.LITTLE_ENDIAN);
      }
      last = spare.pollFirst(); // sizes have changed
    }
    return EngineMemory.allocate(bytes);
  }

  private void reset() {
    layout = null;
    data = null;
  }
}
