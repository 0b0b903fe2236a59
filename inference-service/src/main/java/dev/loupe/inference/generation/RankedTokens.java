package dev.loupe.inference.generation;

import java.util.Arrays;

/** Ids by falling value, ties by lower id, without sorting those that are not asked for. */
final class RankedTokens {
  private RankedTokens() {}

  /** The ids of the largest values, largest first; at most as many as there are values. */
  static int[] largest(float[] values, int count) {
    int size = Math.min(count, values.length);
    long[] best = size > values.length / 8 ? allKeys(values) : smallestKeys(values, size);
    Arrays.sort(best);
    int[] ids = new int[size];
    for (int i = 0; i < size; i++) {
      ids[i] = (int) best[i];
    }
    return ids;
  }

  private static long[] allKeys(float[] values) {
    long[] keys = new long[values.length];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = key(values[i], i);
    }
    return keys;
  }

  /** Keeps the smallest keys in a heap with the largest of them on top. */
  private static long[] smallestKeys(float[] values, int size) {
    long[] heap = new long[size];
    int filled = 0;
    float least = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < values.length && size > 0; i++) {
      if (filled < size) {
        heap[filled++] = key(values[i], i);
        if (filled == size) {
          for (int at = size / 2 - 1; at >= 0; at--) {
            sink(heap, at);
          }
          least = values[(int) heap[0]];
        }
      } else if (values[i] > least) {
        heap[0] = key(values[i], i);
        sink(heap, 0);
        least = values[(int) heap[0]];
      }
    }
    return heap;
  }

  private static void sink(long[] heap, int from) {
    int at = from;
    long moving = heap[at];
    while (2 * at + 1 < heap.length) {
      int child = 2 * at + 1;
      if (child + 1 < heap.length && heap[child + 1] > heap[child]) {
        child++;
      }
      if (heap[child] <= moving) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = moving;
  }

  /** A token's place: grows as its value falls, and with its id, which the lower half holds. */
  static long key(float value, int id) {
    int bits = Float.floatToIntBits(value == 0 ? 0f : value);
    int ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF); // grows with the float
    return ((long) ~ordered << 32) | id;
  }
}
