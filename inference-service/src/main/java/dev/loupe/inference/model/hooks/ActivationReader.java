package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import java.util.List;

/** Makes of an activation, while the pass is there, what is to be kept of it. */
public interface ActivationReader {

  /**
   * What is kept. The activation is freed soon after, and with it everything that is not returned.
   *
   * @param value the activation, after interventions and live hooks; not to be changed
   * @param rows of the pass that belong to the reader's program
   * @return the value itself, or arrays in memory of their own; none when the pass holds nothing of
   *     what is read
   */
  List<NDArray> read(NDArray value, PassRows rows);

  /** How many numbers are kept of an activation over this many rows and positions. */
  double elements(int rows, int width);
}
