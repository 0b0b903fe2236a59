package dev.loupe.standalone.verify;

/** What was asked for cannot be verified; the message says why. */
public final class VerifyException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  VerifyException(String message) {
    super(message);
  }
}
