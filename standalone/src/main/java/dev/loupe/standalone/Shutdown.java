package dev.loupe.standalone;

import java.util.concurrent.atomic.AtomicBoolean;

/** Closes what is open when the process ends, also by Ctrl-C. */
final class Shutdown {
  private Shutdown() {}

  /**
   * Closes something at the process's end; gives what closes it earlier. Either way it is closed
   * once.
   */
  static Runnable closing(AutoCloseable open) {
    AtomicBoolean closed = new AtomicBoolean();
    Runnable close =
        () -> {
          if (closed.compareAndSet(false, true)) {
            try {
              open.close();
            } catch (Exception e) {
              System.err.println("loupe: did not end well: " + e);
            }
          }
        };
    Runtime.getRuntime().addShutdownHook(new Thread(close, "loupe-shutdown"));
    return close;
  }
}
