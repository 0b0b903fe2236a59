package dev.loupe.inference.grpc;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.threads.NamedThreads;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Sends a stream's answers, one after another, on a thread of its own, while the next one is made.
 * Used by one thread.
 */
final class SendAhead implements AutoCloseable {
  private static final long END_SECONDS = 30;

  private final ExecutorService thread = NamedThreads.pool("activation-sender", 1);
  private final Deque<Unsent> unsent = new ArrayDeque<>();

  private record Unsent(Future<?> sending, Runnable free) {}

  /**
   * Hands an answer over.
   *
   * @param send sends it; what it throws comes out of {@link #awaitUnsent}
   * @param free frees its memory, once it was sent or never will be; may be called twice
   */
  void send(Runnable send, Runnable free) {
    Runnable whole =
        () -> {
          try {
            send.run();
          } finally {
            free.run();
          }
        };
    unsent.addLast(new Unsent(thread.submit(whole), free));
  }

  /** Waits until no more than this many answers are unsent. Throws what sending them threw. */
  void awaitUnsent(int most) {
    while (unsent.size() > most) {
      await(unsent.peekFirst().sending());
      unsent.removeFirst();
    }
  }

  private static void await(Future<?> sending) {
    try {
      sending.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException known) {
        throw known;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down", e);
    }
  }

  /** Gives up what is unsent, and frees it when nobody reads it any more. */
  @Override
  public void close() {
    thread.shutdownNow();
    boolean interrupted = false;
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS);
    while (!thread.isTerminated()) {
      try {
        if (!thread.awaitTermination(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          throw new IllegalStateException("a sender did not end; its memory stays reserved");
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    unsent.forEach(answer -> answer.free().run());
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
