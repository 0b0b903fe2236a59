package dev.loupe.inference.analysis;

/** Positions as callers give them. */
final class Positions {
  private Positions() {}

  /**
   * A position counted from 0.
   *
   * @param position negative ones count from the end
   * @throws PositionOutOfRangeException when the row is too short
   */
  static int absolute(int position, int length) {
    int absolute = position < 0 ? length + position : position;
    if (absolute < 0 || absolute >= length) {
      throw new PositionOutOfRangeException(position, length);
    }
    return absolute;
  }
}
