package dev.loupe.sae.training;

import dev.loupe.sae.corpus.SplitMix;
import dev.loupe.sae.dictionary.FloatRows;

/** Activations waiting to be drawn at random, without replacement. */
final class ShuffleBuffer {
  private final int capacity;
  private final int width;
  private final float[] rows;
  private int size;

  ShuffleBuffer(int capacity, int width) {
    this.capacity = capacity;
    this.width = width;
    this.rows = new float[Math.multiplyExact(capacity, width)];
  }

  boolean isFull() {
    return size == capacity;
  }

  int size() {
    return size;
  }

  /** Takes rows from {@code first} on while there is room, and says how many. */
  int add(FloatRows from, int first) {
    int count = Math.min(capacity - size, from.rows() - first);
    System.arraycopy(from.values(), from.start(first), rows, size * width, count * width);
    size += count;
    return count;
  }

  /** Moves random rows out, each value times {@code scale}. */
  void draw(FloatRows to, float scale, SplitMix random) {
    for (int row = 0; row < to.rows(); row++) {
      int chosen = random.nextInt(size);
      int start = to.start(row);
      for (int i = 0; i < width; i++) {
        to.values()[start + i] = rows[chosen * width + i] * scale;
      }
      size--;
      System.arraycopy(rows, size * width, rows, chosen * width, width);
    }
  }

  /** What the buffer holds now; shares its memory. */
  FloatRows content() {
    return new FloatRows(rows, size, width);
  }
}
