package dev.loupe.standalone.terminal;

import java.io.PrintStream;
import java.util.Locale;

/**
 * A bar that fills while work is done. In a terminal it is redrawn in place; elsewhere a line is
 * written at each quarter.
 */
public final class ProgressBar implements AutoCloseable {
  private static final int CELLS = 30;
  private static final long REDRAW_NANOS = 100_000_000L;
  private static final long LINE_NANOS = 10_000_000_000L;

  private final PrintStream out;
  private final boolean interactive;
  private final String label;
  private final long started = System.nanoTime();
  private long lastDrawn = started;
  private boolean ended;
  private int lastWidth;

  ProgressBar(PrintStream out, boolean interactive, String label) {
    this.out = out;
    this.interactive = interactive;
    this.label = label;
  }

  /** So much of the whole is done. */
  public void at(long done, long total) {
    at(done, total, "");
  }

  /**
   * So much of the whole is done.
   *
   * @param note a few words beside the bar
   */
  public synchronized void at(long done, long total, String note) {
    double share = total <= 0 ? 0 : Math.min(1.0, (double) done / total);
    long now = System.nanoTime();
    boolean last = done >= total && total > 0 && !ended;
    if (last || now - lastDrawn > (interactive ? REDRAW_NANOS : LINE_NANOS)) {
      lastDrawn = now;
      ended = ended || last;
      if (interactive) {
        draw(share, note);
      } else {
        out.println(text(share, note).stripTrailing());
      }
    }
  }

  /** Ends the bar's line. */
  @Override
  public synchronized void close() {
    if (interactive && lastWidth > 0) {
      out.println();
      lastWidth = 0;
    }
  }

  private void draw(double share, String note) {
    int filled = (int) (share * CELLS);
    String bar = "█".repeat(filled) + "░".repeat(CELLS - filled);
    String line = String.format(Locale.ROOT, "  %s %s", bar, text(share, note).strip());
    int width = DisplayText.width(line);
    out.print("\r" + line + " ".repeat(Math.max(0, lastWidth - width)));
    out.flush();
    lastWidth = width;
  }

  private String text(double share, String note) {
    double seconds = (System.nanoTime() - started) / 1e9;
    return String.format(
        Locale.ROOT, "  %s: %3.0f %%, %.0f s  %s", label, share * 100, seconds, note);
  }
}
