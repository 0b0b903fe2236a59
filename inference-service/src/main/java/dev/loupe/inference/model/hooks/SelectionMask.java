package dev.loupe.inference.model.hooks;

import static dev.loupe.inference.model.hooks.InvalidInterventionException.Kind.OUT_OF_RANGE;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

/** Turns a selection into a boolean array over an activation. */
final class SelectionMask {
  private SelectionMask() {}

  /**
   * True where the selection holds; broadcast to the value's shape.
   *
   * @return null when it holds everywhere
   * @throws InvalidInterventionException when a row or position is not there
   */
  static NDArray of(HookPoint point, Selection selection, NDArray value, PassRows rows) {
    if (selection.isAll()) {
      return null;
    }
    boolean[][] columns = columns(selection, rows);
    int heads =
        point.kind().headAxis() < 0 ? 1 : (int) value.getShape().get(point.kind().headAxis());
    boolean[] head = new boolean[heads];
    for (int i = 0; i < heads; i++) {
      head[i] = selection.heads().isEmpty() || selection.heads().contains(i);
    }
    boolean headFirst = point.kind().isAttentionMap();
    int batch = rows.rows();
    int width = rows.columns();
    boolean[] flat = new boolean[batch * width * heads];
    for (int b = 0; b < batch; b++) {
      for (int p = 0; p < width; p++) {
        for (int h = 0; h < heads; h++) {
          int index = headFirst ? (b * heads + h) * width + p : (b * width + p) * heads + h;
          flat[index] = columns[b][p] && head[h];
        }
      }
    }
    Shape shape = value.getShape();
    NDManager manager = value.getManager();
    Shape compact =
        shape.dimension() == 3
            ? new Shape(batch, width, 1)
            : headFirst ? new Shape(batch, heads, width, 1) : new Shape(batch, width, heads, 1);
    return manager.create(flat, compact).broadcast(shape);
  }

  private static boolean[][] columns(Selection selection, PassRows rows) {
    boolean[][] chosen = new boolean[rows.rows()][rows.columns()];
    for (int row : selection.rows()) {
      if (row < 0 || row >= rows.rows()) {
        throw new InvalidInterventionException(
            OUT_OF_RANGE,
            "rows",
            "rows holds %d; expected 0 to %d".formatted(row, rows.rows() - 1));
      }
    }
    for (int b = 0; b < rows.rows(); b++) {
      if (!selection.rows().isEmpty() && !selection.rows().contains(b)) {
        continue;
      }
      if (selection.positions().isEmpty()) {
        java.util.Arrays.fill(chosen[b], true);
      }
      for (int position : selection.positions()) {
        mark(chosen[b], position, b, rows);
      }
    }
    return chosen;
  }

  private static void mark(boolean[] chosen, int position, int row, PassRows rows) {
    int length = rows.length(row);
    int absolute = position < 0 ? length + position : position;
    if (!rows.partial() && (absolute < 0 || absolute >= length)) {
      throw new InvalidInterventionException(
          OUT_OF_RANGE,
          "positions",
          "positions holds %d; row %d has %d tokens, so expected %d to %d"
              .formatted(position, row, length, -length, length - 1));
    }
    int column = absolute - rows.starts()[row];
    if (column >= 0 && column < rows.counts()[row]) {
      chosen[column] = true;
    }
  }
}
