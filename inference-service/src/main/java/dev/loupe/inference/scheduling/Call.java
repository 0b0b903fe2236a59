package dev.loupe.inference.scheduling;

/**
 * Whose work it is, and whether anybody still waits for it.
 *
 * @param tenant turns on the device go round between tenants
 * @param liveness throws when the caller is gone or its deadline has passed
 */
public record Call(String tenant, Runnable liveness) {

  /** A call inside this process that is never given up. */
  public static Call internal() {
    return new Call("internal", () -> {});
  }

  /** Throws when nobody waits for the answer any more. */
  public void check() {
    liveness.run();
  }
}
