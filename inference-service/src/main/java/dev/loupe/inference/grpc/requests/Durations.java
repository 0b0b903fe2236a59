package dev.loupe.inference.grpc.requests;

import dev.loupe.server.errors.LoupeException;
import java.time.Duration;

/** Reads how long something may take. */
public final class Durations {
  private static final int NANOS = 1_000_000_000;

  private Durations() {}

  /**
   * A duration above 0.
   *
   * @param longest the longest to accept, whole seconds
   * @throws LoupeException INVALID_VALUE when it is none of these
   */
  public static Duration read(
      String field, com.google.protobuf.Duration message, Duration longest) {
    long seconds = message.getSeconds();
    int nanos = message.getNanos();
    boolean whole = nanos >= 0 && nanos < NANOS;
    boolean fits = seconds >= 0 && (seconds < longest.toSeconds() || nanos == 0);
    if (!whole || !fits || seconds > longest.toSeconds() || (seconds == 0 && nanos == 0)) {
      throw LoupeException.invalidValue(
          field,
          "%d s and %d ns".formatted(seconds, nanos),
          "more than 0 and at most %d s, with 0 to 999999999 ns".formatted(longest.toSeconds()));
    }
    return Duration.ofSeconds(seconds, nanos);
  }
}
