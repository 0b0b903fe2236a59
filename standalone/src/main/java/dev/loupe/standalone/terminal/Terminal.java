package dev.loupe.standalone.terminal;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Where the story is told: a terminal, or a file or pipe, which gets plain lines only. */
public final class Terminal {
  private static final int WIDEST_CELL = 72;

  private final PrintStream out;
  private final boolean interactive;

  /**
   * Writes to a stream.
   *
   * @param interactive whether lines may be redrawn and headings be bold
   */
  public Terminal(PrintStream out, boolean interactive) {
    this.out = out;
    this.interactive = interactive;
  }

  /** The process's own output, in UTF-8. */
  public static Terminal system() {
    String term = System.getenv("TERM");
    boolean interactive = System.console() != null && term != null && !term.equals("dumb");
    return new Terminal(new PrintStream(System.out, true, StandardCharsets.UTF_8), interactive);
  }

  /** A step's heading. */
  public void heading(String text) {
    out.println();
    out.println(interactive ? "\u001b[1m" + text + "\u001b[0m" : text);
    if (!interactive) {
      out.println("=".repeat(DisplayText.width(text)));
    }
  }

  /** A line of text; with values, a format string. */
  public void line(String format, Object... values) {
    out.println(values.length == 0 ? format : String.format(Locale.ROOT, format, values));
  }

  /** A table. */
  public void table(Table table) {
    table.lines(WIDEST_CELL).forEach(line -> out.println("  " + line));
  }

  /** A bar for work that is under way; close it when the work ends. */
  public ProgressBar progress(String label) {
    return new ProgressBar(out, interactive, label);
  }
}
