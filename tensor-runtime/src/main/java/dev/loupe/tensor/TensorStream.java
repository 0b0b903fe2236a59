package dev.loupe.tensor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.function.Consumer;

/**
 * The elements of one tensor, which pass by once. They are read in small pieces, so that nothing
 * but their target takes memory. Numbers are widened or rounded to F32, row-major.
 */
public final class TensorStream {
  private static final int PIECE_BYTES = 1 << 16;
  private static final int MOST_IN_AN_ARRAY = Integer.MAX_VALUE - 8;

  private final ElementType type;
  private final long[] shape;
  private final FileBytes bytes;
  private long left;

  /**
   * @param bytes that stand at the tensor's first
   */
  TensorStream(ElementType type, long[] shape, FileBytes bytes) {
    this.type = type;
    this.shape = shape;
    this.bytes = bytes;
    this.left = HostTensor.elements(shape) * type.bytes();
  }

  /** What each element is in the file. */
  public ElementType type() {
    return type;
  }

  /** Extents, outermost first. */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * Reads all numbers.
   *
   * @param target four bytes for each, filled from position 0 on
   * @throws IllegalArgumentException when the target does not have the tensor's size
   * @throws SafetensorsException when the file was cut short since it was opened
   */
  public void readFloats(ByteBuffer target) throws IOException {
    ByteBuffer floats = sized(target);
    if (type == ElementType.F32) {
      while (floats.hasRemaining()) {
        int count = Math.min(PIECE_BYTES, floats.remaining());
        next(floats.slice(floats.position(), count));
        floats.position(floats.position() + count);
      }
      return;
    }
    var into = floats.asFloatBuffer();
    readPieces(into::put);
  }

  /**
   * Reads all numbers.
   *
   * @throws SafetensorsException when the file was cut short since it was opened, or when they are
   *     more than an array holds
   */
  public float[] readFloats() throws IOException {
    long elements = HostTensor.elements(shape);
    if (elements > MOST_IN_AN_ARRAY) {
      throw bytes.refused(
          "holds a tensor of %d elements; at most %d are read"
              .formatted(elements, MOST_IN_AN_ARRAY));
    }
    float[] all = new float[(int) elements];
    FloatBuffer into = FloatBuffer.wrap(all);
    readPieces(into::put);
    return all;
  }

  /**
   * Reads all numbers and says whether they are these, bit by bit.
   *
   * @param expected four bytes for each, from position 0 on
   * @throws IllegalArgumentException when these are more or fewer
   * @throws SafetensorsException when the file was cut short since it was opened
   */
  public boolean hasFloats(ByteBuffer expected) throws IOException {
    var bits = sized(expected).asIntBuffer();
    boolean[] same = {true};
    readPieces(
        piece -> {
          for (float value : piece) {
            same[0] &= Float.floatToRawIntBits(value) == bits.get();
          }
        });
    return same[0];
  }

  /**
   * Reads all numbers, some thousands at a time, in order.
   *
   * @param taker given an array that is used again for the next ones
   * @throws SafetensorsException when the file was cut short since it was opened
   */
  public void readPieces(Consumer<float[]> taker) throws IOException {
    int bytesEach = type.bytes();
    long elements = HostTensor.elements(shape);
    int atOnce = (int) Math.min(elements, PIECE_BYTES / bytesEach);
    ByteBuffer memory = ByteBuffer.allocate(atOnce * bytesEach);
    float[] values = new float[atOnce];
    for (long done = 0; done < elements; done += atOnce) {
      int count = (int) Math.min(atOnce, elements - done);
      ByteBuffer piece = memory.slice(0, count * bytesEach);
      next(piece);
      values = count == values.length ? values : new float[count];
      new HostTensor(type, new long[] {count}, piece.flip()).floatsInto(values);
      taker.accept(values);
    }
  }

  /** Passes over what was not read. */
  void skipRest() throws IOException {
    ByteBuffer memory = ByteBuffer.allocate((int) Math.min(left, PIECE_BYTES));
    while (left > 0) {
      next(memory.clear().limit((int) Math.min(left, memory.capacity())));
    }
  }

  private void next(ByteBuffer target) throws IOException {
    if (target.remaining() > left) {
      throw new IllegalStateException("a tensor that passes by is read once");
    }
    left -= target.remaining();
    bytes.next(target);
  }

  private ByteBuffer sized(ByteBuffer floats) {
    long elements = HostTensor.elements(shape);
    if (floats.capacity() != Float.BYTES * elements) {
      throw new IllegalArgumentException(
          "the tensor has %d elements; the memory has %d bytes"
              .formatted(elements, floats.capacity()));
    }
    return floats.duplicate().order(ByteOrder.LITTLE_ENDIAN).clear();
  }
}
