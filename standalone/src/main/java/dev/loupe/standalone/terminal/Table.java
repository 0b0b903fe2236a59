package dev.loupe.standalone.terminal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A table whose columns are as wide as what stands in them; numbers stand to the right. */
public final class Table {
  private static final String GAP = "  ";

  private final List<String> head;
  private final List<List<String>> rows = new ArrayList<>();

  /** A table with these column heads. */
  public Table(String... head) {
    this.head = List.of(head);
  }

  /**
   * Adds a row.
   *
   * @throws IllegalArgumentException unless it has one cell for each column
   */
  public Table row(String... cells) {
    if (cells.length != head.size()) {
      throw new IllegalArgumentException(
          "a row of " + cells.length + " cells in a table of " + head.size() + " columns");
    }
    rows.add(List.copyOf(Arrays.asList(cells)));
    return this;
  }

  /** The table's lines: the heads, a rule, the rows. Cells wider than the given columns are cut. */
  public List<String> lines(int widestCell) {
    List<List<String>> all = new ArrayList<>();
    all.add(head);
    rows.forEach(
        row -> all.add(row.stream().map(cell -> DisplayText.cut(cell, widestCell)).toList()));
    int[] widths = new int[head.size()];
    for (List<String> row : all) {
      for (int c = 0; c < widths.length; c++) {
        widths[c] = Math.max(widths[c], DisplayText.width(row.get(c)));
      }
    }
    List<String> lines = new ArrayList<>();
    for (List<String> row : all) {
      lines.add(line(row, widths));
      if (lines.size() == 1) {
        lines.add(rule(widths));
      }
    }
    return lines;
  }

  private String line(List<String> row, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int c = 0; c < widths.length; c++) {
      String cell = row.get(c);
      String padding = " ".repeat(widths[c] - DisplayText.width(cell));
      line.append(c == 0 ? "" : GAP).append(numeric(c) ? padding + cell : cell + padding);
    }
    return line.toString().stripTrailing();
  }

  private boolean numeric(int column) {
    return !rows.isEmpty()
        && rows.stream().map(row -> row.get(column)).allMatch(c -> c.matches("[-+]?[\\d.,]*%?"));
  }

  private static String rule(int[] widths) {
    return String.join(GAP, Arrays.stream(widths).mapToObj("-"::repeat).toList());
  }
}
