package dev.loupe.inference.json;

/** A JSON text that cannot be read as it stands; the message says what is wrong and where. */
public final class InvalidJsonException extends Exception {
  private static final long serialVersionUID = 1L;

  InvalidJsonException(String message, Throwable cause) {
    super(message, cause);
  }

  InvalidJsonException(String message) {
    super(message);
  }
}
