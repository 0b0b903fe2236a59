package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;

/** Code that is called with an activation while the pass waits. */
@FunctionalInterface
public interface LiveHook {

  /**
   * Sees an activation, after the interventions and before the capture at the same hook point.
   *
   * @param point where the pass is
   * @param value the activation; not to be changed in place
   * @return the activation to go on with: the same array, or another of the same shape created by
   *     the value's manager
   */
  NDArray onActivation(HookPoint point, NDArray value);
}
