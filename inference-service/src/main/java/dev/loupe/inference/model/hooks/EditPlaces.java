package dev.loupe.inference.model.hooks;

import static dev.loupe.inference.model.hooks.InvalidInterventionException.Kind.OUT_OF_RANGE;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Finds the boxes that a selection means in the rows of a pass. */
final class EditPlaces {
  private final HookKind kind;
  private final Selection selection;
  private final int heads;

  /**
   * Places of a hook point.
   *
   * @param heads heads of the model
   */
  EditPlaces(HookKind kind, Selection selection, int heads) {
    this.kind = kind;
    this.selection = selection;
    this.heads = heads;
  }

  /**
   * The selected boxes; they do not overlap.
   *
   * @throws InvalidInterventionException when a row or position is not there
   */
  List<EditBox> boxes(PassRows rows) {
    List<EditBox> boxes = new ArrayList<>();
    SortedSet<Integer> pending = null;
    int first = 0;
    for (int row = 0; row <= rows.rows(); row++) {
      SortedSet<Integer> columns = row < rows.rows() ? columns(row, rows) : null;
      if (pending != null && !pending.equals(columns)) {
        addRuns(boxes, first, row, pending);
      }
      if (columns == null || !columns.equals(pending)) {
        first = row;
      }
      pending = columns;
    }
    return boxes;
  }

  /**
   * One box for each row and run of positions, with the positions that a patch's source gives for
   * them.
   *
   * @param sourcePositions as in {@link Edit.Patch}
   * @param lengthOfSource tokens that the source has
   */
  List<EditBox> boxes(PassRows rows, List<Integer> sourcePositions, int lengthOfSource) {
    List<EditBox> boxes = new ArrayList<>();
    for (int row = 0; row < rows.rows(); row++) {
      if (!selectsRow(row, rows)) {
        continue;
      }
      if (selection.positions().isEmpty()) {
        int from = rows.starts()[row];
        int end = rows.length(row);
        if (end > lengthOfSource && !rows.partial()) {
          throw sourceOutOfRange(end - 1, lengthOfSource);
        }
        int columns = Math.min(end, lengthOfSource) - from;
        if (columns > 0) {
          addHeads(boxes, row, row + 1, 0, columns, from);
        }
        continue;
      }
      SortedMap<Integer, Integer> places = new TreeMap<>();
      for (int i = 0; i < selection.positions().size(); i++) {
        places.put(column(selection.positions().get(i), row, rows), i); // the last one counts
      }
      places.remove(-1);
      for (Map.Entry<Integer, Integer> place : places.entrySet()) {
        int column = place.getKey();
        int absolute = rows.starts()[row] + column;
        int asked = sourcePositions.isEmpty() ? absolute : sourcePositions.get(place.getValue());
        int source = asked < 0 ? lengthOfSource + asked : asked;
        if (source >= 0 && source < lengthOfSource) {
          addHeads(boxes, row, row + 1, column, column + 1, source);
        } else if (!rows.partial()) {
          throw sourceOutOfRange(asked, lengthOfSource);
        }
      }
    }
    return boxes;
  }

  private static InvalidInterventionException sourceOutOfRange(int position, int length) {
    return new InvalidInterventionException(
        OUT_OF_RANGE,
        "source_positions",
        "the source of the patch has no position %d; it has %d tokens, so %d to %d"
            .formatted(position, length, -length, length - 1));
  }

  private void addRuns(List<EditBox> boxes, int firstRow, int endRow, SortedSet<Integer> columns) {
    int start = -1;
    int end = -1;
    for (int column : columns) {
      if (column != end) {
        if (start >= 0) {
          addHeads(boxes, firstRow, endRow, start, end, -1);
        }
        start = column;
      }
      end = column + 1;
    }
    if (start >= 0) {
      addHeads(boxes, firstRow, endRow, start, end, -1);
    }
  }

  private void addHeads(
      List<EditBox> boxes, int row, int rowEnd, int column, int columnEnd, int source) {
    int start = 0;
    for (int head = 0; head <= heads; head++) {
      boolean selected = head < heads && selectsHead(head);
      if (!selected) {
        if (head > start) {
          boxes.add(new EditBox(kind, row, rowEnd, column, columnEnd, start, head, source));
        }
        start = head + 1;
      }
    }
  }

  private boolean selectsHead(int head) {
    return selection.heads().isEmpty() || selection.heads().contains(head);
  }

  private boolean selectsRow(int row, PassRows rows) {
    for (int selected : selection.rows()) {
      if (selected < 0 || selected >= rows.rows()) {
        throw new InvalidInterventionException(
            OUT_OF_RANGE,
            "rows",
            "rows holds %d; expected 0 to %d".formatted(selected, rows.rows() - 1));
      }
    }
    return selection.rows().isEmpty() || selection.rows().contains(row);
  }

  private SortedSet<Integer> columns(int row, PassRows rows) {
    SortedSet<Integer> columns = new TreeSet<>();
    if (!selectsRow(row, rows)) {
      return columns;
    }
    if (selection.positions().isEmpty()) {
      for (int column = 0; column < rows.columns(); column++) {
        columns.add(column);
      }
    }
    for (int position : selection.positions()) {
      int column = column(position, row, rows);
      if (column >= 0) {
        columns.add(column);
      }
    }
    return columns;
  }

  /** The column of a position, or -1 when it lies outside a pass with a cache. */
  private static int column(int position, int row, PassRows rows) {
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
    return column >= 0 && column < rows.counts()[row] ? column : -1;
  }
}
