package dev.loupe.sae.dictionary;

import java.util.Arrays;

/**
 * The k largest pre-activations that are above 0; of equal ones the lower index wins.
 *
 * <p>Rows resemble each other, so the last row's k-th value tells where this row's will be: one
 * pass collects what lies above a little less than it, and only those few are partitioned. When too
 * few lie above, the pass is repeated from 0. The result is the same whatever the guess was.
 */
final class LargestSelection implements FeatureSelection {
  private static final float MARGIN = 0.8f;

  private final int[] candidates;
  private final int k;
  private final int[] kept;
  private final float[] keptValues;
  private float guess;

  private LargestSelection(int[] candidates, int size, int k) {
    this.candidates = candidates;
    this.k = k;
    this.kept = new int[size];
    this.keptValues = new float[size];
  }

  /** Chooses among all features. */
  static LargestSelection of(int dSae, int k) {
    return new LargestSelection(null, dSae, k);
  }

  /** Chooses among the given features, which ascend. */
  static LargestSelection among(int[] candidates, int k) {
    return new LargestSelection(candidates, candidates.length, k);
  }

  @Override
  public int capacity() {
    return k;
  }

  @Override
  public int select(float[] preActivations, int[] indices, float[] values) {
    int count = collect(preActivations, guess);
    if (count < k && guess > 0) {
      count = collect(preActivations, 0f);
    }
    if (count > k) {
      partition(count);
      count = k;
    }
    System.arraycopy(kept, 0, indices, 0, count);
    Arrays.sort(indices, 0, count);
    float smallest = Float.POSITIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      values[i] = preActivations[indices[i]];
      smallest = Math.min(smallest, values[i]);
    }
    guess = count == k ? smallest * MARGIN : 0f;
    return count;
  }

  private int collect(float[] preActivations, float floor) {
    int count = 0;
    if (candidates == null) {
      for (int i = 0; i < kept.length; i++) {
        float value = preActivations[i];
        if (value > floor) {
          kept[count] = i;
          keptValues[count++] = value;
        }
      }
    } else {
      for (int candidate : candidates) {
        float value = preActivations[candidate];
        if (value > floor) {
          kept[count] = candidate;
          keptValues[count++] = value;
        }
      }
    }
    return count;
  }

  /** Moves the k first in order to the front (Hoare's selection). */
  private void partition(int count) {
    int low = 0;
    int high = count - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      float pivotValue = keptValues[middle];
      int pivot = kept[middle];
      int i = low;
      int j = high;
      while (i <= j) {
        while (before(keptValues[i], kept[i], pivotValue, pivot)) {
          i++;
        }
        while (before(pivotValue, pivot, keptValues[j], kept[j])) {
          j--;
        }
        if (i <= j) {
          swap(i++, j--);
        }
      }
      if (k - 1 <= j) {
        high = j;
      } else if (k - 1 >= i) {
        low = i;
      } else {
        return;
      }
    }
  }

  private static boolean before(float value, int index, float otherValue, int otherIndex) {
    return value > otherValue || (value == otherValue && index < otherIndex);
  }

  private void swap(int i, int j) {
    int index = kept[i];
    kept[i] = kept[j];
    kept[j] = index;
    float value = keptValues[i];
    keptValues[i] = keptValues[j];
    keptValues[j] = value;
  }
}
