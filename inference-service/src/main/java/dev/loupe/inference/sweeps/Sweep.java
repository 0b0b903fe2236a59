package dev.loupe.inference.sweeps;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.TransformerOps;
import java.util.Arrays;

/**
 * What all chunks of a sweep share.
 *
 * @param model that is run
 * @param runs the run that is patched and the one that patches come from
 * @param activation what is patched
 * @param read the positions that the metric reads, ascending
 */
record Sweep(HookedTransformer model, SweepRuns runs, PatchedActivation activation, int[] read) {

  /** Patches within the attention. */
  PatchedHeads heads() {
    return new PatchedHeads(config(), ops(), runs, activation);
  }

  /** How many positions, from its start on, a cell's patch changes within its layer. */
  int changed(SweepCell cell) {
    boolean spreads = activation.isReadByLater() || cell.position() == SweepCell.ALL;
    return spreads ? runs.length() - runs.start(cell) : 1;
  }

  GptConfig config() {
    return model.config();
  }

  TransformerOps ops() {
    return model.ops();
  }

  /** The positions that the metric reads, from one on. */
  int[] readFrom(int start) {
    return Arrays.stream(read).filter(position -> position >= start).toArray();
  }

  /**
   * False when a cell's patch cannot change the metric: it sets what is there already, or what it
   * changes is never read.
   */
  boolean canChange(SweepCell cell) {
    int start = runs.start(cell);
    if (start < runs.firstDifference() || start >= runs.length()) {
      return false;
    }
    boolean lastLayer = cell.layer() == config().layers() - 1;
    boolean spreads =
        activation == PatchedActivation.RESID_PRE
            || activation.isReadByLater()
            || cell.position() == SweepCell.ALL;
    return !lastLayer || spreads || Arrays.binarySearch(read, start) >= 0;
  }

  /** Some positions of [row, pos, d], as [row, chosen, d]. */
  NDArray picked(NDArray x, int[] positions) {
    long rows = x.getShape().get(0);
    long width = x.getShape().get(1);
    long[] ids = new long[Math.toIntExact(rows * positions.length)];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = i / positions.length * width + positions[i % positions.length];
    }
    NDArray index = x.getManager().create(ids, new Shape(rows, positions.length));
    return ops().embed(index, x.reshape(rows * width, x.getShape().get(2)));
  }
}
