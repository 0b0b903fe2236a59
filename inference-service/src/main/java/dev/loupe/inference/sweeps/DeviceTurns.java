package dev.loupe.inference.sweeps;

import dev.loupe.inference.model.PassControl;
import java.util.function.Consumer;

/** Gives a sweep the device for one piece of work at a time. */
@FunctionalInterface
public interface DeviceTurns {
  /** The device belongs to the caller. */
  DeviceTurns OWN = (rows, tokens, work) -> work.accept(PassControl.NONE);

  /**
   * Runs work when its turn comes.
   *
   * @param rows that the work runs
   * @param tokens of these rows
   * @param work gets a control that it looks at between layers, where it may be ended, or wait
   *     while others have the device
   */
  void run(int rows, int tokens, Consumer<PassControl> work);
}
