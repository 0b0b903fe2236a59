package dev.loupe.inference.model.hooks;

/** An intervention that does not fit its hook point or the tokens it is applied to. */
public class InvalidInterventionException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** What kind of misfit it is. */
  public enum Kind {
    /** A vector of the wrong length, or a selector that the hook point's shape does not have. */
    WRONG_SHAPE,
    /** A number that is infinite or not a number. */
    NOT_FINITE,
    /** A position, head or row that is not there. */
    OUT_OF_RANGE
  }

  private final Kind kind;
  private final String field;

  /**
   * Says what is wrong.
   *
   * @param field the part of the intervention that is wrong
   * @param message names the field, the value, and what would be accepted
   */
  public InvalidInterventionException(Kind kind, String field, String message) {
    super(message);
    this.kind = kind;
    this.field = field;
  }

  /** What kind of misfit it is. */
  public Kind kind() {
    return kind;
  }

  /** The part of the intervention that is wrong, for example {@code positions}. */
  public String field() {
    return field;
  }
}
