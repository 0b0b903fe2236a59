package dev.loupe.inference.analysis;

/** A detection mask is none, or does not fit the tokens that it is used on. */
public final class InvalidMaskException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  InvalidMaskException(String message) {
    super(message);
  }
}
