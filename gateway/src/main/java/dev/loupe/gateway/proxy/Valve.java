package dev.loupe.gateway.proxy;

import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;

/**
 * Joins the flow control of two calls in one direction. Each message that was passed on gives the
 * source leave to send one more, as soon as the sink can take it, so that no more than the first
 * leave's number of messages are ever between the two.
 */
final class Valve {
  private final BooleanSupplier sinkReady;
  private final IntConsumer source;
  private int owed;

  /**
   * @param sinkReady whether the call that messages are passed on to can take more
   * @param source asks the call that messages come from for this many more
   */
  Valve(BooleanSupplier sinkReady, IntConsumer source) {
    this.sinkReady = sinkReady;
    this.source = source;
  }

  /** A message was passed on. */
  synchronized void passed() {
    owed++;
    release();
  }

  /** The sink may be able to take more. */
  synchronized void ready() {
    release();
  }

  private void release() {
    if (owed > 0 && sinkReady.getAsBoolean()) {
      int messages = owed;
      owed = 0;
      source.accept(messages);
    }
  }
}
