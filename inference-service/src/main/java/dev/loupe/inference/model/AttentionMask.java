package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.tensor.NdArrays;
import java.util.Optional;

/** Which keys the queries of a pass see. The additive form is made when somebody asks for it. */
public final class AttentionMask {
  private final NDManager scope;
  private final TokenBatch batch;
  private final KvCache cache;
  private final int past;
  private final boolean hides;
  private NDArray array;
  private Optional<KeyOrder> keyOrder;

  private AttentionMask(NDManager scope, TokenBatch batch, KvCache cache) {
    this.scope = scope;
    this.batch = batch;
    this.cache = cache;
    this.past = cache == null ? 0 : cache.slots();
    this.hides = cache != null && cache.hidesBefore(past + batch.width());
  }

  /**
   * The mask of a pass.
   *
   * @param scope owns the additive form
   * @param cache earlier tokens, or null
   */
  public static AttentionMask of(NDManager scope, TokenBatch batch, KvCache cache) {
    return new AttentionMask(scope, batch, cache);
  }

  /** True when queries and keys are the same positions and each sees itself and what is before. */
  public boolean isSquareCausal() {
    return past == 0 && !hides && batch.width() > 1;
  }

  /**
   * The additive form, 0 where a query sees a key, -inf where not: [query, key] or [batch, 1,
   * query, key]; null when every query sees every key.
   */
  public NDArray array() {
    int queries = batch.width();
    if (array != null || (queries == 1 && !hides)) {
      return array;
    }
    int keys = past + queries;
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
    array = NdArrays.of(scope, mask, shape);
    return array;
  }

  /** Where a cache has put the keys; null where they lie by position. */
  KeyOrder keyOrder() {
    if (keyOrder == null) {
      keyOrder = hides ? KeyOrder.of(scope, batch, cache) : Optional.empty();
    }
    return keyOrder.orElse(null);
  }

  /**
   * For rows of different lengths: true at the keys that are a row's own tokens, false at its
   * padding. Needed only where an edit of scores or patterns could let a query see the latter.
   *
   * @return [batch, 1, 1, key], or null when there is no padding
   */
  public static NDArray ofTokens(NDManager scope, TokenBatch batch, KvCache cache) {
    int past = cache == null ? 0 : cache.slots();
    int keys = past + batch.width();
    boolean any = false;
    boolean[] visible = new boolean[batch.rows() * keys];
    for (int row = 0; row < batch.rows(); row++) {
      for (int key = 0; key < keys; key++) {
        boolean padding =
            key >= past + batch.lengths()[row] || (cache != null && cache.isHidden(row, key));
        visible[row * keys + key] = !padding;
        any |= padding;
      }
    }
    return any ? scope.create(visible, new Shape(batch.rows(), 1, 1, keys)) : null;
  }
}
