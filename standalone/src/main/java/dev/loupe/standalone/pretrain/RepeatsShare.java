package dev.loupe.standalone.pretrain;

/**
 * The probability that a document is a repeated random sequence. It may change on the way: a model
 * that knows the text already learns to copy quickly from many of them.
 *
 * @param early of rows before {@code lateFrom}
 * @param late of all others
 * @param lateFrom index of a training row
 */
record RepeatsShare(double early, double late, long lateFrom) {

  /** The same for all rows. */
  static RepeatsShare of(double share) {
    return new RepeatsShare(share, share, 0);
  }

  /** That of a training row. */
  double at(long row) {
    return row < lateFrom ? early : late;
  }
}
