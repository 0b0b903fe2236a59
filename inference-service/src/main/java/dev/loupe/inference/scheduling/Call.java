package dev.loupe.inference.scheduling;

import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.Claimant;
import dev.loupe.server.sharing.Departure;
import dev.loupe.server.streams.ClientWait;
import java.time.Duration;

/**
 * Whose work it is, and whether anybody still waits for it.
 *
 * @param tenant turns on the device go round between tenants
 * @param liveness throws when the caller is gone or its deadline has passed
 * @param departure tells when that comes about
 * @param client what it waits for when it does not work
 */
public record Call(String tenant, Runnable liveness, Departure departure, ClientWait client)
    implements Claimant {
  /** A call that never waits for a client. */
  public Call(String tenant, Runnable liveness, Departure departure) {
    this(tenant, liveness, departure, ClientWait.NONE);
  }

  /** A call of a tenant that is never given up. */
  public static Call of(String tenant) {
    return new Call(tenant, () -> {}, Departure.NEVER);
  }

  /** A call inside this process that is never given up. */
  public static Call internal() {
    return of("internal");
  }

  @Override
  public void check() {
    liveness.run();
  }

  @Override
  public Duration silence() {
    return client.silence();
  }

  @Override
  public void dismiss(LoupeException why) {
    client.end(why);
  }

  /** True when nobody waits for the answer any more. */
  boolean isGone() {
    try {
      liveness.run();
      return false;
    } catch (RuntimeException e) {
      return true;
    }
  }
}
