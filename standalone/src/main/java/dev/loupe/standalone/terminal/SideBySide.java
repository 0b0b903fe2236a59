package dev.loupe.standalone.terminal;

import java.util.ArrayList;
import java.util.List;

/** Texts in columns beside each other, each broken between words where it must be. */
public final class SideBySide {
  private static final int COLUMN = 32;

  private final List<String> heads = new ArrayList<>();
  private final List<String> texts = new ArrayList<>();

  /** Adds a column. */
  public SideBySide column(String head, String text) {
    heads.add(head);
    texts.add(DisplayText.visible(text));
    return this;
  }

  /** The texts as a table with one row for each line. */
  public Table table() {
    Table table = new Table(heads.toArray(String[]::new));
    List<List<String>> wrapped = texts.stream().map(SideBySide::wrap).toList();
    int lines = wrapped.stream().mapToInt(List::size).max().orElse(0);
    for (int i = 0; i < lines; i++) {
      int line = i;
      table.row(
          wrapped.stream()
              .map(column -> line < column.size() ? column.get(line) : "")
              .toArray(String[]::new));
    }
    return table;
  }

  private static List<String> wrap(String text) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    int space = -1;
    for (int c : text.codePoints().toArray()) {
      line.appendCodePoint(c);
      int width = DisplayText.width(line.toString());
      space = c == ' ' ? line.length() : space;
      if (width >= COLUMN) {
        int end = space > 0 ? space : line.length();
        lines.add(line.substring(0, end).stripTrailing());
        line.delete(0, end);
        space = -1;
      }
    }
    if (!line.isEmpty()) {
      lines.add(line.toString());
    }
    return lines;
  }
}
