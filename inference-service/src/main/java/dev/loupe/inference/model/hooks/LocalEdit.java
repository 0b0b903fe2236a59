package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;

/** An edit of each place by itself: a function of the vector along the last axis. */
final class LocalEdit implements BoxEdit {

  /** The function and its vector-Jacobian product; x is [..., width]. */
  interface VectorMap {
    NDArray of(NDArray x);

    /** The cotangent of x; null when it is zero. */
    NDArray pullback(NDArray x, NDArray cotangent);

    /** True when the pullback looks at x. */
    boolean isNonlinear();
  }

  private final VectorMap map;
  private final int width;

  /**
   * An edit by a function.
   *
   * @param width of the function's vectors, 0 when it takes any
   */
  LocalEdit(VectorMap map, int width) {
    this.map = map;
    this.width = width;
  }

  @Override
  public NDArray edited(NDArray value, EditBox box, PassRows rows) {
    NDArray x = box.in(value);
    return map.of(flattened(x)).reshape(x.getShape());
  }

  @Override
  public void pullback(NDArray value, EditBox box, NDArray cotangent, NDArray into, PassRows rows) {
    NDArray x = value == null ? null : flattened(box.in(value));
    NDArray gradient = map.pullback(x, flattened(cotangent));
    if (gradient != null) {
      box.in(into).addi(gradient.reshape(cotangent.getShape()));
    }
  }

  @Override
  public boolean needsValue() {
    return map.isNonlinear();
  }

  @Override
  public boolean isLocal() {
    return true;
  }

  /** [batch, pos, head, d_head] as [batch, pos, head * d_head] when a vector spans all heads. */
  private NDArray flattened(NDArray x) {
    Shape shape = x.getShape();
    int last = shape.dimension() - 1;
    if (width == 0 || shape.get(last) == width) {
      return x;
    }
    return x.reshape(shape.get(0), shape.get(1), width);
  }
}
