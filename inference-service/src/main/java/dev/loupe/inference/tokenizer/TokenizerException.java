package dev.loupe.inference.tokenizer;

/** A tokenizer file that cannot be used; the message names the file and what is wrong with it. */
public final class TokenizerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Says what is wrong. */
  public TokenizerException(String message) {
    super(message);
  }

  /** Says what is wrong, and what it came from. */
  public TokenizerException(String message, Throwable cause) {
    super(message, cause);
  }
}
