package dev.loupe.sae.dictionary;

import java.util.stream.IntStream;

/** Splits independent work over a range among the cores. */
final class RowChunks {
  private static final int CHUNKS = 8;

  /** Work on one part of the range; parts run at the same time. */
  @FunctionalInterface
  interface Body {
    void run(int chunk, int first, int end);
  }

  private RowChunks() {}

  /** How many parts there are; {@code chunk} is below this. */
  static int count() {
    return CHUNKS;
  }

  /**
   * Runs the body over the parts of [0, size). The parts depend on the size alone, never on the
   * machine, so sums taken part by part come out the same everywhere.
   */
  static void run(int size, Body body) {
    IntStream.range(0, CHUNKS)
        .parallel()
        .forEach(
            chunk -> {
              int first = (int) ((long) size * chunk / CHUNKS);
              int end = (int) ((long) size * (chunk + 1) / CHUNKS);
              if (first < end) {
                body.run(chunk, first, end);
              }
            });
  }
}
