package dev.loupe.inference.serving;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;

/** The memory that the weights of all models may take together. */
final class WeightsBudget {
  private final long total;
  private long taken;

  /** A budget of this many bytes. */
  WeightsBudget(long total) {
    this.total = total;
  }

  /** Takes memory whether or not it is there: for models that the operator named. */
  synchronized void take(long bytes) {
    taken += bytes;
  }

  /**
   * Takes memory that is there.
   *
   * @throws LoupeException OUT_OF_BUDGET, which says what would fit
   */
  synchronized void takeIfFree(String model, long bytes) {
    requireFree(model, bytes);
    taken += bytes;
  }

  /**
   * Looks whether memory is there, and takes none.
   *
   * @throws LoupeException OUT_OF_BUDGET, which says what would fit
   */
  synchronized void requireFree(String model, long bytes) {
    long free = Math.max(0, total - taken);
    if (bytes > free) {
      throw LoupeException.of(
              ErrorReason.OUT_OF_BUDGET,
              "the weights of %s take %d bytes; of the %d that weights may take here %d are free: %s"
                  .formatted(model, bytes, total, free, advice(bytes, free)))
          .with("bytes", bytes)
          .with("limit", free);
    }
  }

  synchronized void giveBack(long bytes) {
    taken -= bytes;
  }

  /** Float32 weights of four bytes each. */
  private String advice(long bytes, long free) {
    String fits = "a model of up to %d million parameters would fit".formatted(free / 4_000_000);
    return bytes <= total ? fits + ", and this one once others are unloaded" : fits;
  }
}
