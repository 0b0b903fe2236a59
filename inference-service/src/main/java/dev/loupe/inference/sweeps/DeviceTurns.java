package dev.loupe.inference.sweeps;

/** Gives a sweep the device for one piece of work at a time. */
@FunctionalInterface
public interface DeviceTurns {
  /** The device belongs to the caller. */
  DeviceTurns OWN = (rows, tokens, work) -> work.run();

  /**
   * Runs work when its turn comes.
   *
   * @param rows that the work runs
   * @param tokens of these rows
   */
  void run(int rows, int tokens, Runnable work);
}
