package dev.loupe.inference.pretraining;

/** Where training rows come from. */
@FunctionalInterface
public interface BatchSource {

  /**
   * The rows of a step. A run that is resumed asks again from the step after its checkpoint, so the
   * same step must give the same rows.
   *
   * @param step from 0
   * @return rows of equal length, at least 2 and at most one more than the context: each token but
   *     the first is predicted from those before it
   */
  int[][] rows(int step);
}
