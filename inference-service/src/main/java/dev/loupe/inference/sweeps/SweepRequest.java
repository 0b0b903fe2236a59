package dev.loupe.inference.sweeps;

import dev.loupe.inference.metrics.Metric;

/**
 * What to patch, and what to read.
 *
 * @param clean tokens of the run that activations are taken from
 * @param corrupt as many tokens, of the run that they are put into
 * @param grid where it is patched, within the model and the rows
 * @param metric read off each run
 * @param firstCell the cell to begin with: 0, or where an earlier sweep was cut off
 */
public record SweepRequest(
    int[] clean, int[] corrupt, SweepGrid grid, Metric metric, int firstCell) {

  /**
   * Checks what can be checked without the model.
   *
   * @throws IllegalArgumentException when the rows differ in length
   */
  public SweepRequest {
    if (clean.length != corrupt.length) {
      throw new IllegalArgumentException(
          "the clean row has %d tokens, the corrupt one %d; expected as many"
              .formatted(clean.length, corrupt.length));
    }
  }
}
