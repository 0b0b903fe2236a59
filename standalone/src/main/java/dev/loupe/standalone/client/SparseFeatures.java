package dev.loupe.standalone.client;

/**
 * The active features of some activations, in compressed sparse row form.
 *
 * @param offsets where each row starts in the other two; one more entry than rows
 * @param indices feature indices, ascending within a row
 * @param values their activations, all above 0
 */
public record SparseFeatures(int[] offsets, int[] indices, float[] values) {
  /** Number of rows. */
  public int rows() {
    return offsets.length - 1;
  }
}
