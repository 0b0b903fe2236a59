package dev.loupe.inference.sweeps;

import java.util.ArrayList;
import java.util.List;

/**
 * Cells of a chunk whose first patched position is the same. Each becomes a row that holds the
 * positions from there on; rows enter layer by layer, in the order of the cells.
 */
final class CellGroup {
  private final int start;
  private final List<SweepCell> cells = new ArrayList<>();
  private int entered;

  CellGroup(int start) {
    this.start = start;
  }

  /** The first position that differs from the run that is patched. */
  int start() {
    return start;
  }

  void add(SweepCell cell) {
    cells.add(cell);
  }

  /** Rows that are under way. */
  int rows() {
    return entered;
  }

  /** The cells that are patched at a layer, which count as rows from then on. */
  List<SweepCell> enter(int layer) {
    int from = entered;
    while (entered < cells.size() && cells.get(entered).layer() == layer) {
      entered++;
    }
    return cells.subList(from, entered);
  }
}
