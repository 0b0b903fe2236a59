package dev.loupe.inference.analysis;

import java.util.function.ToDoubleFunction;

/** Rates what heads attend to. */
public interface HeadScorer {

  /**
   * A rating of heads on one row of tokens: from a head's attention, [query, key] and row-major, to
   * its score.
   *
   * @throws InvalidMaskException when the row is not one to be rated on
   */
  ToDoubleFunction<float[]> on(int[] tokens);
}
