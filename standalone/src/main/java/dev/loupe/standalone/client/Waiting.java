package dev.loupe.standalone.client;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Waits for a call's end. */
final class Waiting {
  private Waiting() {}

  /**
   * The future's value.
   *
   * @throws RuntimeException the future's own failure
   * @throws InterruptedCallException if this thread is interrupted
   */
  static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedCallException();
    }
  }

  /** Sleeps between two looks at a long-running operation. */
  static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedCallException();
    }
  }
}
