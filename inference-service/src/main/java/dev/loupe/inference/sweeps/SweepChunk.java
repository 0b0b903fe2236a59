package dev.loupe.inference.sweeps;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.PassControl;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs some cells together. A cell's row begins at the layer and the position of its patch: the
 * layers before are the base run's, and so are the keys and values of the positions before.
 */
final class SweepChunk {
  private final Sweep sweep;
  private final List<CellGroup> groups = new ArrayList<>();

  /**
   * A chunk.
   *
   * @param cells in a grid's order; each must be able to change the metric
   */
  SweepChunk(Sweep sweep, List<SweepCell> cells) {
    this.sweep = sweep;
    for (SweepCell cell : cells) {
      int start = sweep.runs().start(cell);
      if (groups.isEmpty() || groups.get(groups.size() - 1).start() != start) {
        groups.add(new CellGroup(start));
      }
      groups.get(groups.size() - 1).add(cell);
    }
  }

  /**
   * The residual stream after the last layer, for each cell in order.
   *
   * @return [cell, read position, d_model], in the scope
   */
  NDArray run(NDManager scope, PassControl control) {
    NDArray x = null;
    for (int layer = 0; layer < sweep.config().layers(); layer++) {
      control.beforeLayer(layer);
      try (NDManager local = scope.newSubManager()) {
        if (x != null) {
          x.attach(local);
        }
        x = new SweepLayer(sweep, groups, layer, local).run(x);
        if (x != null) {
          x.attach(scope);
        }
      }
    }
    return withBasePositions(scope, x);
  }

  /** Adds the read positions before a row's start, which are the base run's. */
  private NDArray withBasePositions(NDManager scope, NDArray x) {
    int dModel = sweep.config().dModel();
    NDList parts = new NDList();
    int token = 0;
    for (CellGroup group : groups) {
      int asked = sweep.readFrom(group.start()).length;
      int end = token + group.rows() * asked;
      NDArray own = x.get(new NDIndex("{}:{}", token, end)).reshape(group.rows(), asked, dModel);
      token = end;
      int before = sweep.read().length - asked;
      if (before > 0) {
        int layers = sweep.config().layers();
        NDArray all = sweep.runs().base().residual(scope, layers, 0, sweep.runs().length());
        NDArray earlier = sweep.picked(all, Arrays.copyOf(sweep.read(), before));
        own =
            NDArrays.concat(
                new NDList(earlier.broadcast(new Shape(group.rows(), before, dModel)), own), 1);
      }
      parts.add(own);
    }
    return NDArrays.concat(parts);
  }
}
