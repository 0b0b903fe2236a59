package dev.loupe.inference.sweeps;

/** Takes the results of a sweep as they come. */
public interface SweepOutput {

  /**
   * Comes first.
   *
   * @param clean the metric of the clean run
   * @param corrupt the metric of the corrupt run
   */
  void runs(double clean, double corrupt);

  /**
   * Metrics of cells that follow each other in the grid's order.
   *
   * @param firstCell the first one's place
   * @param values one for each
   */
  void cells(int firstCell, double[] values);
}
