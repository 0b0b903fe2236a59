package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;

/** What an edit makes of one box of an activation, and how a gradient flows back through it. */
interface BoxEdit {

  /**
   * The box's new values, in its shape, in memory of their own.
   *
   * @param value the whole activation before the edit
   */
  NDArray edited(NDArray value, EditBox box, PassRows rows);

  /**
   * Adds the vector-Jacobian product of {@link #edited}.
   *
   * @param value the whole activation before the edit; null unless {@link #needsValue}
   * @param cotangent of the box's new values
   * @param into the gradient of the whole activation, added to in place
   */
  void pullback(NDArray value, EditBox box, NDArray cotangent, NDArray into, PassRows rows);

  /** True when the Jacobian depends on the activation. */
  boolean needsValue();

  /** True when the box's new values depend on nothing outside the box. */
  boolean isLocal();
}
