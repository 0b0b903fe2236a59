package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.List;

/** Replaces places by a mean over the batch's tokens, at their own position or at all. */
final class MeanEdit implements BoxEdit {
  private final boolean eachPosition;

  MeanEdit(boolean eachPosition) {
    this.eachPosition = eachPosition;
  }

  @Override
  public NDArray edited(NDArray value, EditBox box, PassRows rows) {
    if (!eachPosition) {
      return overall(value, box, rows);
    }
    NDArray result = value.getManager().zeros(box.in(value).getShape());
    for (EditBox part : parts(box, rows)) {
      List<EditBox> sources = sources(part, rows);
      NDArray sum = sources.get(0).in(value).duplicate();
      for (int i = 1; i < sources.size(); i++) {
        sum.addi(sources.get(i).in(value));
      }
      within(part, box).in(result).addi(sum.divi(sources.size()));
    }
    return result;
  }

  @Override
  public void pullback(NDArray value, EditBox box, NDArray cotangent, NDArray into, PassRows rows) {
    if (!eachPosition) {
      int[] axes = {0, box.kind().positionAxis()};
      NDArray share = cotangent.sum(axes, true).divi(rows.tokens());
      for (int row = 0; row < rows.rows(); row++) {
        tokensOf(row, box, rows).in(into).addi(share);
      }
      return;
    }
    for (EditBox part : parts(box, rows)) {
      List<EditBox> sources = sources(part, rows);
      NDArray share = within(part, box).in(cotangent).sum(new int[] {0}, true).divi(sources.size());
      for (EditBox source : sources) {
        source.in(into).addi(share);
      }
    }
  }

  /** The mean over all tokens, spread over the box. */
  private static NDArray overall(NDArray value, EditBox box, PassRows rows) {
    NDArray sum = null;
    for (int row = 0; row < rows.rows(); row++) {
      NDArray ofRow =
          tokensOf(row, box, rows).in(value).sum(new int[] {box.kind().positionAxis()}, true);
      sum = sum == null ? ofRow : sum.addi(ofRow);
    }
    return sum.divi(rows.tokens()).broadcast(box.in(value).getShape()).duplicate();
  }

  private static EditBox tokensOf(int row, EditBox box, PassRows rows) {
    return box.ofRows(row, row + 1).ofColumns(0, rows.counts()[row]);
  }

  @Override
  public boolean needsValue() {
    return false;
  }

  @Override
  public boolean isLocal() {
    return false;
  }

  /** The box in parts whose columns are reached by the same rows. */
  private static List<EditBox> parts(EditBox box, PassRows rows) {
    List<EditBox> parts = new ArrayList<>();
    boolean aligned = aligned(rows);
    int rowStep = aligned ? box.rowEnd() - box.row() : 1;
    for (int row = box.row(); row < box.rowEnd(); row += rowStep) {
      int start = box.column();
      for (int column = start + 1; column <= box.columnEnd(); column++) {
        if (column == box.columnEnd() || !sameRows(row, column - 1, column, rows)) {
          parts.add(box.ofRows(row, row + rowStep).ofColumns(start, column));
          start = column;
        }
      }
    }
    return parts;
  }

  private static boolean aligned(PassRows rows) {
    for (int start : rows.starts()) {
      if (start != rows.starts()[0]) {
        return false;
      }
    }
    return true;
  }

  private static boolean sameRows(int row, int a, int b, PassRows rows) {
    for (int other = 0; other < rows.rows(); other++) {
      if ((columnIn(other, row, a, rows) < 0) != (columnIn(other, row, b, rows) < 0)) {
        return false;
      }
    }
    return true;
  }

  /** The column at which another row has the position of a row's column; -1 when it has not. */
  private static int columnIn(int other, int row, int column, PassRows rows) {
    int there = rows.starts()[row] + column - rows.starts()[other];
    return there >= 0 && there < rows.counts()[other] ? there : -1;
  }

  /** The same positions in every row that has them; padding keeps its own values. */
  private static List<EditBox> sources(EditBox part, PassRows rows) {
    List<EditBox> sources = new ArrayList<>();
    for (int other = 0; other < rows.rows(); other++) {
      int there = columnIn(other, part.row(), part.column(), rows);
      if (there >= 0) {
        sources.add(part.ofRows(other, other + 1).ofColumns(there, there + part.columns()));
      }
    }
    return sources.isEmpty() ? List.of(part) : sources;
  }

  /** A part's place within its box's own values. */
  private static EditBox within(EditBox part, EditBox box) {
    return new EditBox(
        part.kind(),
        part.row() - box.row(),
        part.rowEnd() - box.row(),
        part.column() - box.column(),
        part.columnEnd() - box.column(),
        0,
        box.headEnd() - box.head(),
        -1);
  }
}
