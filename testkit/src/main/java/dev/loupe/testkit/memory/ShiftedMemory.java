package dev.loupe.testkit.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/**
 * Memory at a chosen distance from a line of the processor's cache. Where an array lies decides, on
 * some processors, in which order the engine adds, and so the last bit; on others it never does. A
 * test that is to find that on all of them puts its arrays at every distance, and also asks where
 * the engine computes.
 */
public final class ShiftedMemory {
  private static final int LINE_BYTES = 64;

  private ShiftedMemory() {}

  /** The distances at which a float32 may lie: 0, 4, ... 60 bytes. */
  public static IntStream distances() {
    return IntStream.range(0, LINE_BYTES / Float.BYTES).map(i -> i * Float.BYTES);
  }

  /** A direct, little-endian copy of a buffer's bytes, at a distance from a line. */
  public static ByteBuffer copyOf(ByteBuffer data, int distance) {
    ByteBuffer room = ByteBuffer.allocateDirect(data.remaining() + 2 * LINE_BYTES);
    int toLine = Math.floorMod(-room.alignmentOffset(0, LINE_BYTES), LINE_BYTES);
    ByteBuffer shifted = room.slice(toLine + distance, data.remaining());
    return shifted.order(ByteOrder.LITTLE_ENDIAN).put(data.duplicate()).flip();
  }

  /** How far behind a line a direct buffer's first byte lies. */
  public static int distanceOf(ByteBuffer data) {
    return data.alignmentOffset(0, LINE_BYTES);
  }
}
