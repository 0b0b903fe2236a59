package dev.loupe.server.sharing;

import dev.loupe.server.errors.LoupeException;
import java.time.Duration;

/** Who asks for a part of what all share, and whether it still waits for it. */
public interface Claimant {
  /** Whose turn it is goes round between tenants. */
  String tenant();

  /** Throws when nobody waits for the answer any more. */
  void check();

  /** Tells when {@link #check} begins to throw; one that never tells is looked at now and then. */
  Departure departure();

  /**
   * For how long it has held what it has only because its client is silent; zero while it works.
   */
  default Duration silence() {
    return Duration.ZERO;
  }

  /** Ends its work, which a silent client keeps from ending, with this error. */
  default void dismiss(LoupeException why) {}

  /** One whose waiting ends when the check throws. */
  static Claimant of(String tenant, Runnable check) {
    return new Claimant() {
      @Override
      public String tenant() {
        return tenant;
      }

      @Override
      public void check() {
        check.run();
      }

      @Override
      public Departure departure() {
        return Departure.NEVER;
      }
    };
  }
}
