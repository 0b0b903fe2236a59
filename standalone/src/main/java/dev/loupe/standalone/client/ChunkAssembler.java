package dev.loupe.standalone.client;

import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.proto.tensor.v1.TensorLayout;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Puts the chunks of one F32 array together. */
final class ChunkAssembler {
  private TensorLayout layout;
  private float[] values;
  private int filled;

  /**
   * Adds the next chunk.
   *
   * @return whether the array is complete
   * @throws IllegalStateException if the chunk does not follow the one before, or is not F32
   */
  boolean add(TensorChunk chunk) {
    if (layout == null || chunk.getOffset() == 0) {
      layout = chunk.getLayout();
      if (layout.getDtype() != DType.DTYPE_F32) {
        throw new IllegalStateException("the service sent " + layout.getDtype() + ", not F32");
      }
      long elements = 1;
      for (Axis axis : layout.getAxesList()) {
        elements *= axis.getSize();
      }
      values = new float[Math.toIntExact(elements)];
      filled = 0;
    }
    if (chunk.getOffset() != (long) filled * Float.BYTES) {
      throw new IllegalStateException(
          "a chunk at byte " + chunk.getOffset() + " came after " + filled * 4L + " bytes");
    }
    FloatBuffer piece =
        chunk.getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    int length = piece.remaining();
    piece.get(values, filled, length);
    filled += length;
    return filled == values.length;
  }

  /** The whole array, to be called when it is complete; the next chunk starts another. */
  float[] take() {
    float[] complete = values;
    values = null;
    return complete;
  }

  /** Size of an axis, counted from the end: 1 is the last. */
  int sizeFromEnd(int fromEnd) {
    return (int) layout.getAxes(layout.getAxesCount() - fromEnd).getSize();
  }
}
