package dev.loupe.sae.client;

import java.time.Duration;

/**
 * How long to bear with a service that is away.
 *
 * @param limit after which to give up, counted from the last time that something came
 * @param firstPause before the first new attempt; each later one is twice as long
 * @param longestPause between attempts
 */
public record Patience(Duration limit, Duration firstPause, Duration longestPause) {
  /** Five minutes, with pauses of a quarter of a second to ten seconds. */
  public static final Patience DEFAULT =
      new Patience(Duration.ofMinutes(5), Duration.ofMillis(250), Duration.ofSeconds(10));

  /** For calls whose caller waits: three seconds. */
  public static final Patience BRIEF =
      new Patience(Duration.ofSeconds(3), Duration.ofMillis(100), Duration.ofMillis(500));

  /** The pause before a new attempt, at least as long as was asked for, but never too long. */
  Duration pause(int attempt, Duration asked) {
    long millis = Math.max(asked.toMillis(), firstPause.toMillis() << Math.min(attempt, 16));
    return Duration.ofMillis(Math.min(millis, longestPause.toMillis()));
  }
}
