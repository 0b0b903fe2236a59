package dev.loupe.inference.captures;

/** A capture that does not fit its hook point or the tokens that are run. */
public class InvalidCaptureException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** What kind of misfit it is. */
  public enum Kind {
    /** Vectors of the wrong length. */
    WRONG_SHAPE,
    /** A number that is infinite or not a number. */
    NOT_FINITE,
    /** A position that some row does not have. */
    POSITION,
    /** A head that the model does not have. */
    HEAD,
    /** Anything else. */
    VALUE
  }

  private final Kind kind;
  private final String field;

  InvalidCaptureException(Kind kind, String field, String message) {
    super(message);
    this.kind = kind;
    this.field = field;
  }

  /** What kind of misfit it is. */
  public Kind kind() {
    return kind;
  }

  /** The part of the capture that is wrong, for example {@code heads}. */
  public String field() {
    return field;
  }
}
