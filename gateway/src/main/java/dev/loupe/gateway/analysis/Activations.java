package dev.loupe.gateway.analysis;

import java.nio.ByteBuffer;

/**
 * Activations {@code [row, width]} as F32 bytes, little-endian.
 *
 * @param rows number of rows
 * @param width of a row
 * @param bytes read-only, 4 * rows * width of them from its position to its limit
 */
public record Activations(int rows, int width, ByteBuffer bytes) {
  public Activations {
    if (bytes.remaining() != 4L * rows * width) {
      throw new IllegalArgumentException(
          rows + " rows of " + width + " are not " + bytes.remaining() + " bytes");
    }
  }

  /** The same without the first row. */
  public Activations withoutFirst() {
    ByteBuffer rest = bytes.duplicate();
    rest.position(rest.position() + 4 * width);
    return new Activations(rows - 1, width, rest);
  }
}
