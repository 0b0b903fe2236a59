package dev.loupe.inference.tokenizer;

import java.util.Arrays;

/**
 * Which pairs of tokens merge, in what order, and into what: a hash table over primitive values.
 */
final class MergeTable {
  private static final long EMPTY = -1;

  private final long[] keys;
  private final int[] ranks;
  private final int[] products;
  private final int mask;

  /** Room for {@code merges} pairs. */
  MergeTable(int merges) {
    int capacity = Integer.highestOneBit(Math.max(8, merges * 2)) * 2;
    keys = new long[capacity];
    ranks = new int[capacity];
    products = new int[capacity];
    mask = capacity - 1;
    Arrays.fill(keys, EMPTY);
  }

  /** Adds a pair; of a pair given twice the last holds. */
  void add(int left, int right, int rank, int product) {
    long key = key(left, right);
    int slot = slot(key);
    keys[slot] = key;
    ranks[slot] = rank;
    products[slot] = product;
  }

  /** A handle for {@link #rank} and {@link #product}, or -1 when the pair does not merge. */
  int find(int left, int right) {
    int slot = slot(key(left, right));
    return keys[slot] == EMPTY ? -1 : slot;
  }

  int rank(int handle) {
    return ranks[handle];
  }

  int product(int handle) {
    return products[handle];
  }

  private int slot(long key) {
    long mixed = key * 0x9E3779B97F4A7C15L;
    int slot = (int) (mixed >>> 32) & mask;
    while (keys[slot] != EMPTY && keys[slot] != key) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private static long key(int left, int right) {
    return ((long) left << 32) | right;
  }
}
