package dev.loupe.inference.model;

/** Tokens that the model cannot run: unknown ids, or more than its context holds. */
public class TokenRangeException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** Says which token or row, and what would be accepted. */
  public TokenRangeException(String message) {
    super(message);
  }
}
