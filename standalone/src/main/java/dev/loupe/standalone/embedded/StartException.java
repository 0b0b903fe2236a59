package dev.loupe.standalone.embedded;

/** Loupe cannot start; the message says what would let it. */
public final class StartException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** With a sentence for the reader. */
  public StartException(String message) {
    super(message);
  }

  /** With a sentence for the reader and what caused it. */
  public StartException(String message, Throwable cause) {
    super(message, cause);
  }
}
