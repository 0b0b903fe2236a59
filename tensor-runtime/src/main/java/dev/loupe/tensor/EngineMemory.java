package dev.loupe.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Memory in which the engine computes. Some of its products add in another order when an array does
 * not begin at a multiple of 16 bytes, and so round differently: all arrays begin at a multiple of
 * 64, as those do that the engine makes itself. Then the same numbers give the same bits.
 */
public final class EngineMemory {
  /** What every address is a multiple of: a line of the processor's cache. */
  public static final int LINE_BYTES = 64;

  private EngineMemory() {}

  /** Direct memory of a size, zeroed, little-endian, at the start of a line. */
  public static ByteBuffer allocate(int bytes) {
    ByteBuffer room = ByteBuffer.allocateDirect(Math.addExact(bytes, LINE_BYTES - 1));
    int start = -room.alignmentOffset(0, LINE_BYTES) & (LINE_BYTES - 1);
    return room.slice(start, bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * A copy of what lies between a buffer's position and its limit, from position 0 to the limit.
   */
  public static ByteBuffer copyOf(ByteBuffer data) {
    return allocate(data.remaining()).put(data.duplicate()).flip();
  }

  /** True when the engine can compute with a direct buffer's bytes where they lie. */
  static boolean isAtLine(ByteBuffer data) {
    return data.alignmentOffset(data.position(), LINE_BYTES) == 0;
  }
}
