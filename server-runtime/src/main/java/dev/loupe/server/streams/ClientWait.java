package dev.loupe.server.streams;

import dev.loupe.server.errors.LoupeException;
import io.grpc.Context;
import java.time.Duration;

/**
 * A running call's waiting for its client, as those see it who share out what the call holds
 * meanwhile. {@link BlockingCalls} gives every handler one.
 */
public interface ClientWait {
  /** A call that never waits. */
  ClientWait NONE =
      new ClientWait() {
        @Override
        public Duration silence() {
          return Duration.ZERO;
        }

        @Override
        public void end(LoupeException why) {}
      };

  /** The one of the call whose handler runs in this context; {@link #NONE} outside of calls. */
  static ClientWait current() {
    ClientWait wait = CallState.CURRENT.get(Context.current());
    return wait == null ? NONE : wait;
  }

  /**
   * For how long the call has waited for its client with no message moving either way; zero while
   * it does not wait.
   */
  Duration silence();

  /** Ends the call with this error as soon as it waits for its client, or where it does already. */
  void end(LoupeException why);
}
