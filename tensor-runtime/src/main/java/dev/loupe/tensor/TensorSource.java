package dev.loupe.tensor;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;

/** Named tensors that can be read one at a time: one safetensors file, or a set of shards. */
public interface TensorSource extends Closeable {
  /** How much of a file is read at a time. */
  int PIECE_BYTES = 1 << 18;

  /** The names, in the order of the files. */
  Set<String> names();

  /** True when a tensor of this name exists. */
  default boolean contains(String name) {
    return names().contains(name);
  }

  /**
   * The shape of a tensor, without reading it.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   */
  long[] shape(String name);

  /**
   * The element type of a tensor, without reading it.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   */
  ElementType type(String name);

  /**
   * Copies some of a tensor's bytes, as they are in the file.
   *
   * @param offset of the first, from the tensor's start
   * @param target filled from its position to its limit
   * @throws IllegalArgumentException when the tensor does not have those bytes
   * @throws SafetensorsException when the file was cut short since it was opened
   */
  void readBytes(String name, long offset, ByteBuffer target) throws IOException;

  /**
   * Reads a tensor's elements, widened or rounded to F32, row-major. The file is read in small
   * pieces, so that nothing but the target takes memory.
   *
   * @param target four bytes for each element, filled from position 0 on
   * @throws IllegalArgumentException when the target does not have the tensor's size
   */
  default void readFloats(String name, ByteBuffer target) throws IOException {
    long elements = HostTensor.elements(shape(name));
    if (target.capacity() != 4 * elements) {
      throw new IllegalArgumentException(
          "tensor '%s' has %d elements; the target has %d bytes"
              .formatted(name, elements, target.capacity()));
    }
    ByteBuffer floats = target.duplicate().order(ByteOrder.LITTLE_ENDIAN).clear();
    ElementType type = type(name);
    if (type == ElementType.F32) {
      readBytes(name, 0, floats);
      return;
    }
    int atOnce = PIECE_BYTES / type.bytes();
    ByteBuffer memory = ByteBuffer.allocate(PIECE_BYTES);
    for (long done = 0; done < elements; done += atOnce) {
      int count = (int) Math.min(atOnce, elements - done);
      ByteBuffer piece = memory.slice(0, count * type.bytes());
      readBytes(name, done * type.bytes(), piece);
      HostTensor values = new HostTensor(type, new long[] {count}, piece.flip());
      for (int i = 0; i < count; i++) {
        floats.putFloat(values.floatAt(i));
      }
    }
  }

  /** True when two tensors have the same bytes; the file is read in small pieces. */
  default boolean sameBytes(String name, String other) throws IOException {
    long bytes = HostTensor.elements(shape(name)) * type(name).bytes();
    if (bytes != HostTensor.elements(shape(other)) * type(other).bytes()) {
      return false;
    }
    ByteBuffer one = ByteBuffer.allocate(PIECE_BYTES);
    ByteBuffer two = ByteBuffer.allocate(PIECE_BYTES);
    for (long done = 0; done < bytes; done += PIECE_BYTES) {
      int count = (int) Math.min(PIECE_BYTES, bytes - done);
      readBytes(name, done, one.clear().limit(count));
      readBytes(other, done, two.clear().limit(count));
      if (!one.flip().equals(two.flip())) {
        return false;
      }
    }
    return true;
  }

  /**
   * A tensor as memory mapped from the file: nothing is copied, and it stays valid after this
   * source is closed. The memory is read-only: an array over it must never be changed in place.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   * @throws SafetensorsException when the tensor is over 2 GiB
   */
  HostTensor read(String name) throws IOException;
}
