package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.BitSet;

/**
 * The keys and values of tokens that were run, so that a continuation runs only its new tokens.
 * Rows may be of different lengths: the padding of an earlier pass stays in its slots and is hidden
 * from later queries. Close it to free its memory. Not thread-safe.
 */
public final class KvCache implements AutoCloseable {
  private final NDManager manager;
  private final NDArray[] keys;
  private final NDArray[] values;
  private final int capacity;
  private final int[] lengths;
  private final BitSet[] hidden;
  private int slots;

  /**
   * Makes room for rows of a model.
   *
   * @param parent the cache ends with it, unless closed earlier
   * @param rows rows that are continued together
   * @param capacity slots for each row: the tokens of all passes, padding included
   */
  public KvCache(NDManager parent, GptConfig config, int rows, int capacity) {
    this.manager = parent.newSubManager();
    this.capacity = capacity;
    this.lengths = new int[rows];
    this.hidden = new BitSet[rows];
    Arrays.setAll(hidden, row -> new BitSet());
    this.keys = new NDArray[config.layers()];
    this.values = new NDArray[config.layers()];
    Shape shape = new Shape(rows, capacity, config.heads(), config.dHead());
    for (int layer = 0; layer < keys.length; layer++) {
      // Memory that nobody has written to is not memory yet: room costs nothing until it is used.
      keys[layer] = manager.create(shape);
      values[layer] = manager.create(shape);
    }
  }

  /** Bytes that a cache takes. */
  public static long bytes(GptConfig config, int rows, int capacity) {
    return 8L * config.layers() * rows * capacity * config.dModel();
  }

  /** Tokens that a row has so far. */
  public int length(int row) {
    return lengths[row];
  }

  /** Rows that are continued together. */
  public int rows() {
    return lengths.length;
  }

  /** Slots in use, padding included. */
  int slots() {
    return slots;
  }

  /** Begins a pass: where its columns go, and which of them are padding. */
  void begin(TokenBatch batch) {
    if (batch.rows() != lengths.length) {
      throw new IllegalArgumentException(
          "the pass has %d rows, but the cache has %d".formatted(batch.rows(), lengths.length));
    }
    if (slots + batch.width() > capacity) {
      throw new TokenRangeException(
          "%d columns do not fit behind %d in a cache of %d"
              .formatted(batch.width(), slots, capacity));
    }
    for (int row = 0; row < lengths.length; row++) {
      hidden[row].clear(slots, capacity); // what an earlier pass that failed may have left
      hidden[row].set(slots + batch.lengths()[row], slots + batch.width());
    }
  }

  /** Ends a pass: its tokens now count. */
  void commit(TokenBatch batch) {
    slots += batch.width();
    for (int row = 0; row < lengths.length; row++) {
      lengths[row] += batch.lengths()[row];
    }
  }

  /** True when some slot up to the given one is hidden from some row. */
  boolean hidesBefore(int slot) {
    for (BitSet row : hidden) {
      int first = row.nextSetBit(0);
      if (first >= 0 && first < slot) {
        return true;
      }
    }
    return false;
  }

  boolean isHidden(int row, int slot) {
    return hidden[row].get(slot);
  }

  /** A layer's keys, [batch, capacity, head, d_head]; read only the slots in use. */
  NDArray keys(int layer) {
    return keys[layer];
  }

  /** A layer's values, [batch, capacity, head, d_head]; read only the slots in use. */
  NDArray values(int layer) {
    return values[layer];
  }

  @Override
  public void close() {
    manager.close();
  }
}
