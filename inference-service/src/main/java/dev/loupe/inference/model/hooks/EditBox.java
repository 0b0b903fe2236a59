package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;

/**
 * A part of an activation that is a run along each axis: what an edit changes in one go. Ends are
 * exclusive; the last axis is whole.
 *
 * @param kind the hook point's, which says what the axes are
 * @param source for a patch, the source's position of the first column; else -1
 */
record EditBox(
    HookKind kind,
    int row,
    int rowEnd,
    int column,
    int columnEnd,
    int head,
    int headEnd,
    int source) {

  /** The same part of other rows. */
  EditBox ofRows(int first, int end) {
    return new EditBox(kind, first, end, column, columnEnd, head, headEnd, source);
  }

  /** The same part at other columns. */
  EditBox ofColumns(int first, int end) {
    return new EditBox(kind, row, rowEnd, first, end, head, headEnd, source);
  }

  int columns() {
    return columnEnd - column;
  }

  /** A view of the box within an activation [batch, ...]. */
  NDArray in(NDArray value) {
    return isWhole(value) ? value : value.get(index());
  }

  boolean isWhole(NDArray value) {
    long[] shape = value.getShape().getShape();
    int headAxis = kind.headAxis();
    return row == 0
        && rowEnd == shape[0]
        && column == 0
        && columnEnd == shape[kind.positionAxis()]
        && (headAxis < 0 || (head == 0 && headEnd == shape[headAxis]));
  }

  NDIndex index() {
    NDIndex index = new NDIndex().addSliceDim(row, rowEnd);
    return rest(index);
  }

  /** The box's part of one row's value without the batch axis, at its source positions. */
  NDIndex indexInSource() {
    return ofColumns(source, source + columns()).rest(new NDIndex());
  }

  private NDIndex rest(NDIndex index) {
    if (kind.headAxis() < 0) {
      return index.addSliceDim(column, columnEnd);
    }
    return kind.isAttentionMap()
        ? index.addSliceDim(head, headEnd).addSliceDim(column, columnEnd)
        : index.addSliceDim(column, columnEnd).addSliceDim(head, headEnd);
  }
}
