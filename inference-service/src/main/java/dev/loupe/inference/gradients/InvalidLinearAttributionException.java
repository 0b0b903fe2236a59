package dev.loupe.inference.gradients;

/** A target or a source that linear attribution does not know. */
public class InvalidLinearAttributionException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** What is wrong. */
  public enum Kind {
    /** A hook point that is frozen, bypassed, or divided among heads. */
    HOOK_POINT,
    /** A position that the row does not have. */
    POSITION,
    /** A vector of the wrong length. */
    WRONG_SHAPE
  }

  private final Kind kind;

  InvalidLinearAttributionException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  /** What is wrong. */
  public Kind kind() {
    return kind;
  }
}
