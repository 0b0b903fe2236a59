package dev.loupe.inference.sweeps;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.tensor.NdArrays;

/**
 * The two runs of a sweep.
 *
 * @param base the run that is patched
 * @param source the run that patches come from
 * @param length positions that are run: none after the last that the metric reads
 * @param firstDifference the first position whose tokens differ; before it the runs agree
 */
record SweepRuns(RecordedRun base, RecordedRun source, int length, int firstDifference) {

  /** The first position that a cell's patch changes. */
  int start(SweepCell cell) {
    return cell.position() == SweepCell.ALL ? firstDifference : cell.position();
  }

  /**
   * The causal mask of some queries over the keys 0 to {@code keys}.
   *
   * @return [query, key], 0 or -inf; null when each query sees every key
   */
  static NDArray mask(NDManager scope, int[] queries, int keys) {
    float[] mask = new float[queries.length * keys];
    boolean hides = false;
    for (int i = 0; i < queries.length; i++) {
      for (int key = queries[i] + 1; key < keys; key++) {
        mask[i * keys + key] = Float.NEGATIVE_INFINITY;
        hides = true;
      }
    }
    return hides ? NdArrays.of(scope, mask, new Shape(queries.length, keys)) : null;
  }

  /** The positions from one to before another. */
  static int[] range(int from, int to) {
    int[] range = new int[to - from];
    for (int i = 0; i < range.length; i++) {
      range[i] = from + i;
    }
    return range;
  }
}
