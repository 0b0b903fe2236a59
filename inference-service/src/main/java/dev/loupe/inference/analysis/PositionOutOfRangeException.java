package dev.loupe.inference.analysis;

/** A position that a row of tokens does not have. */
public class PositionOutOfRangeException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  PositionOutOfRangeException(int position, int length) {
    super(
        "position is %d; the row has %d tokens, so expected %d to %d"
            .formatted(position, length, -length, length - 1));
  }
}
