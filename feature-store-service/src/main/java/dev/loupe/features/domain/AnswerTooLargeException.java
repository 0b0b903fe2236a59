package dev.loupe.features.domain;

/** A read that would give more than one answer may hold. */
public final class AnswerTooLargeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public AnswerTooLargeException(long most) {
    super(
        "the answer would have more than "
            + most
            + " bytes; ask for fewer features, or for the basic view");
  }
}
