package dev.loupe.inference.hub;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Closes a body from which nothing comes any more: the HTTP client itself waits for ever once the
 * headers are there.
 */
final class StallGuard implements AutoCloseable {
  private final ScheduledExecutorService watch =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "hub-stall-guard");
            thread.setDaemon(true);
            return thread;
          });
  private final InputStream body;
  private final long patienceNanos;
  private volatile long lastByte = System.nanoTime();
  private volatile boolean stalled;

  StallGuard(InputStream body, Duration patience) {
    this.body = body;
    this.patienceNanos = patience.toNanos();
    long every = Math.max(1, patience.toMillis() / 4);
    watch.scheduleWithFixedDelay(this::look, every, every, TimeUnit.MILLISECONDS);
  }

  private void look() {
    if (System.nanoTime() - lastByte > patienceNanos) {
      stalled = true;
      try {
        body.close();
      } catch (IOException e) {
        // The reader gets its own exception.
      }
    }
  }

  int read(byte[] buffer) throws IOException {
    try {
      int read = body.read(buffer);
      lastByte = System.nanoTime();
      if (read < 0 && stalled) {
        throw new IOException("closed");
      }
      return read;
    } catch (IOException e) {
      if (stalled) {
        throw new IOException("nothing came for " + patienceNanos / 1_000_000 + " ms", e);
      }
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    watch.shutdownNow();
    body.close();
  }
}
