package dev.loupe.standalone.demo;

/** The story cannot be told with what was given; the message says what would be accepted. */
public final class DemoException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** With a sentence for the reader. */
  public DemoException(String message) {
    super(message);
  }

  /** With a sentence for the reader and what caused it. */
  public DemoException(String message, Throwable cause) {
    super(message, cause);
  }
}
