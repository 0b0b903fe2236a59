package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

/** Makes the additive masks of a pass: 0 where a query sees a key, -inf where not. */
public final class AttentionMask {
  private AttentionMask() {}

  /**
   * The mask of a pass.
   *
   * @param cache earlier tokens, or null
   * @return [query, key] or [batch, 1, query, key]; null when every query sees every key
   */
  public static NDArray of(NDManager scope, TokenBatch batch, KvCache cache) {
    int queries = batch.width();
    int past = cache == null ? 0 : cache.slots();
    int keys = past + queries;
    boolean hides = cache != null && cache.hidesBefore(keys);
    if (queries == 1 && !hides) {
      return null;
    }
    int planes = hides ? batch.rows() : 1;
    float[] mask = new float[planes * queries * keys];
    int index = 0;
    for (int row = 0; row < planes; row++) {
      for (int query = 0; query < queries; query++) {
        int own = past + query;
        for (int key = 0; key < keys; key++) {
          boolean hidden = key > own || (hides && key != own && cache.isHidden(row, key));
          mask[index++] = hidden ? Float.NEGATIVE_INFINITY : 0;
        }
      }
    }
    Shape shape = hides ? new Shape(planes, 1, queries, keys) : new Shape(queries, keys);
    return scope.create(mask, shape);
  }

  /**
   * For rows of different lengths: -inf at the keys that are a row's padding. Needed only where an
   * edit of scores or patterns could let a query see them.
   *
   * @return [batch, 1, 1, key], or null when there is no padding
   */
  public static NDArray ofPadding(NDManager scope, TokenBatch batch, KvCache cache) {
    int past = cache == null ? 0 : cache.slots();
    int keys = past + batch.width();
    boolean any = false;
    float[] mask = new float[batch.rows() * keys];
    for (int row = 0; row < batch.rows(); row++) {
      for (int key = 0; key < keys; key++) {
        boolean padding =
            key >= past + batch.lengths()[row] || (cache != null && cache.isHidden(row, key));
        if (padding) {
          mask[row * keys + key] = Float.NEGATIVE_INFINITY;
          any = true;
        }
      }
    }
    return any ? scope.create(mask, new Shape(batch.rows(), 1, 1, keys)) : null;
  }
}
