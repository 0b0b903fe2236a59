package dev.loupe.inference.metrics;

/** A metric that does not fit the model or the row that it is read from. */
public class InvalidMetricException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** What kind of misfit it is. */
  public enum Kind {
    /** A position that the row does not have. */
    POSITION,
    /** A token that the vocabulary does not have. */
    TOKEN,
    /** Reference log probabilities that are not one for each token. */
    WRONG_SHAPE,
    /** Reference log probabilities that are no distribution, or a row too short to have a loss. */
    INVALID_VALUE
  }

  private final Kind kind;
  private final String field;

  InvalidMetricException(Kind kind, String field, String message) {
    super(message);
    this.kind = kind;
    this.field = field;
  }

  /** What kind of misfit it is. */
  public Kind kind() {
    return kind;
  }

  /** The part of the metric that is wrong, for example {@code position}. */
  public String field() {
    return field;
  }
}
