package dev.loupe.inference.captures;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.index.NDIndex;

/** Takes entries along one axis of an array. */
final class AxisSlices {
  private AxisSlices() {}

  /**
   * The entries in the order given: a view where they are one run, else a copy.
   *
   * @param ids at least one, each within the axis
   */
  static NDArray pick(NDArray value, int axis, int[] ids) {
    NDList runs = new NDList();
    int start = 0;
    for (int i = 1; i <= ids.length; i++) {
      if (i == ids.length || ids[i] != ids[i - 1] + 1) {
        runs.add(range(value, axis, ids[start], ids[i - 1] + 1));
        start = i;
      }
    }
    return runs.size() == 1 ? runs.get(0) : NDArrays.concat(runs, axis);
  }

  /** The entries from one place to before another, as a view. */
  static NDArray range(NDArray value, int axis, long from, long to) {
    NDIndex index = new NDIndex();
    for (int i = 0; i < axis; i++) {
      index.addAllDim();
    }
    return value.get(index.addSliceDim(from, to));
  }
}
