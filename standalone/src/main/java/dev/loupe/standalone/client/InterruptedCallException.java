package dev.loupe.standalone.client;

/** The program is being ended while it waits for a service. */
public final class InterruptedCallException extends RuntimeException {
  private static final long serialVersionUID = 1;

  InterruptedCallException() {
    super("interrupted");
  }
}
