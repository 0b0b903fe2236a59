package dev.loupe.standalone;

import dev.loupe.inference.hub.DownloadProgress;
import dev.loupe.standalone.terminal.ProgressBar;
import dev.loupe.standalone.terminal.Terminal;

/** A progress bar for each file that comes from a hub. */
final class DownloadBars implements DownloadProgress, AutoCloseable {
  private final Terminal terminal;
  private String current = "";
  private ProgressBar bar;

  DownloadBars(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public synchronized void onBytes(String file, long done, long total) {
    if (!file.equals(current)) {
      close();
      current = file;
      bar = terminal.progress("downloading " + file);
    }
    bar.at(done, total);
  }

  @Override
  public synchronized void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
