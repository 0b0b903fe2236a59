package dev.loupe.sae.dictionary;

import java.util.Arrays;

/**
 * Picks a row's active features from its pre-activations. Instances hold scratch space: one for
 * each thread.
 */
interface FeatureSelection {

  /**
   * Writes the active features, ascending, and their activations, all above 0.
   *
   * @return how many there are
   */
  int select(float[] preActivations, int[] indices, float[] values);

  /** Room that a row's features may need. */
  int capacity();

  /** Every feature above 0: the ReLU. */
  static FeatureSelection relu(int dSae) {
    return new FeatureSelection() {
      @Override
      public int select(float[] preActivations, int[] indices, float[] values) {
        int count = 0;
        for (int i = 0; i < dSae; i++) {
          float value = preActivations[i];
          if (value > 0) {
            indices[count] = i;
            values[count++] = value;
          }
        }
        return count;
      }

      @Override
      public int capacity() {
        return dSae;
      }
    };
  }

  /** The k largest that are above 0; of equal ones the lower index wins. */
  static FeatureSelection largest(int dSae, int k) {
    LargestOf largest = new LargestOf(k);
    return new FeatureSelection() {
      @Override
      public int select(float[] preActivations, int[] indices, float[] values) {
        largest.clear();
        for (int i = 0; i < dSae; i++) {
          float value = preActivations[i];
          if (value > largest.floor()) {
            largest.add(i, value);
          }
        }
        return largest.take(preActivations, indices, values);
      }

      @Override
      public int capacity() {
        return k;
      }
    };
  }

  /** The k largest above 0 among the given features; of equal ones the earlier wins. */
  static FeatureSelection largestAmong(int[] candidates, int k) {
    LargestOf largest = new LargestOf(k);
    return new FeatureSelection() {
      @Override
      public int select(float[] preActivations, int[] indices, float[] values) {
        largest.clear();
        for (int candidate : candidates) {
          float value = preActivations[candidate];
          if (value > largest.floor()) {
            largest.add(candidate, value);
          }
        }
        return largest.take(preActivations, indices, values);
      }

      @Override
      public int capacity() {
        return k;
      }
    };
  }

  /** A binary heap of the k largest so far, smallest on top. */
  final class LargestOf {
    private final int k;
    private final int[] heap;
    private final float[] keys;
    private int size;

    LargestOf(int k) {
      this.k = k;
      this.heap = new int[k];
      this.keys = new float[k];
    }

    void clear() {
      size = 0;
    }

    /** Only larger values matter: 0 until k were added, then the smallest that is kept. */
    float floor() {
      return size < k ? 0f : keys[0];
    }

    void add(int index, float value) {
      if (size < k) {
        int at = size++;
        while (at > 0) {
          int parent = (at - 1) >>> 1;
          if (!below(value, index, keys[parent], heap[parent])) {
            break;
          }
          keys[at] = keys[parent];
          heap[at] = heap[parent];
          at = parent;
        }
        keys[at] = value;
        heap[at] = index;
        return;
      }
      int at = 0;
      while (true) {
        int child = 2 * at + 1;
        if (child >= size) {
          break;
        }
        if (child + 1 < size && below(keys[child + 1], heap[child + 1], keys[child], heap[child])) {
          child++;
        }
        if (!below(keys[child], heap[child], value, index)) {
          break;
        }
        keys[at] = keys[child];
        heap[at] = heap[child];
        at = child;
      }
      keys[at] = value;
      heap[at] = index;
    }

    private static boolean below(float value, int index, float otherValue, int otherIndex) {
      return value < otherValue || (value == otherValue && index > otherIndex);
    }

    int take(float[] preActivations, int[] indices, float[] values) {
      System.arraycopy(heap, 0, indices, 0, size);
      Arrays.sort(indices, 0, size);
      for (int i = 0; i < size; i++) {
        values[i] = preActivations[indices[i]];
      }
      return size;
    }
  }
}
