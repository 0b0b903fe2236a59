package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Optional;

/**
 * Puts the keys of attention maps [batch, head, query, key] in the order of each row's positions.
 * In a cache the padding of a shorter prompt lies between the prompt's keys and those after it;
 * here it lies behind them.
 */
final class KeyOrder {
  private final NDArray slots;
  private final NDArray places;

  private KeyOrder(NDArray slots, NDArray places) {
    this.slots = slots;
    this.places = places;
  }

  /** The order of a pass's keys; empty when every row's keys lie by position already. */
  static Optional<KeyOrder> of(NDManager scope, TokenBatch batch, KvCache cache) {
    int past = cache.slots();
    int keys = past + batch.width();
    long[] slots = new long[batch.rows() * keys];
    long[] places = new long[slots.length];
    boolean moved = false;
    for (int row = 0; row < batch.rows(); row++) {
      int tokens = cache.length(row) + batch.lengths()[row];
      int token = row * keys;
      int padding = token + tokens;
      for (int slot = 0; slot < keys; slot++) {
        boolean own = slot < past + batch.lengths()[row] && !cache.isHidden(row, slot);
        int place = own ? token++ : padding++;
        slots[place] = slot;
        places[row * keys + slot] = place - (long) row * keys;
        moved |= place != row * keys + slot;
      }
    }
    if (!moved) {
      return Optional.empty();
    }
    Shape shape = new Shape(batch.rows(), 1, 1, keys);
    return Optional.of(new KeyOrder(scope.create(slots, shape), scope.create(places, shape)));
  }

  /** A map with the key of each position at its place. */
  NDArray byPosition(NDArray map) {
    return map.gather(slots.broadcast(map.getShape()), 3);
  }

  /** The way back. */
  NDArray bySlot(NDArray map) {
    return map.gather(places.broadcast(map.getShape()), 3);
  }
}
