package dev.loupe.sae.publishing;

import dev.loupe.sae.dictionary.SparseFeatures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;

/**
 * The rows of a corpus where each feature fires most, a window of tokens around the peak of each. A
 * row gives at most one example to a feature, and windows of the same tokens count once, the
 * strongest, of equals the first. Memory is bounded by features times examples.
 */
final class TopExamples {
  /** Tokens around a peak. */
  static final int WINDOW = 64;

  /**
   * A window.
   *
   * @param row of the corpus
   * @param ids its tokens in the window
   * @param values the feature's activation at each
   * @param peak index of the largest
   */
  record Window(long row, int[] ids, float[] values, int peak) {
    float strength() {
      return values[peak];
    }
  }

  /** Weakest first; of equal ones the later row, so that the order of rows decides nothing. */
  private static final Comparator<Window> WEAKEST_FIRST =
      Comparator.comparingDouble(Window::strength)
          .thenComparing(Comparator.comparingLong(Window::row).reversed());

  private final int limit;
  private final List<PriorityQueue<Window>> best = new ArrayList<>();
  private final int[] rowFeatures;
  private final float[] rowPeaks;
  private final int[] rowPeakPositions;

  TopExamples(int dSae, int limit) {
    this.limit = limit;
    for (int i = 0; i < dSae; i++) {
      best.add(null);
    }
    this.rowFeatures = new int[dSae];
    this.rowPeaks = new float[dSae];
    this.rowPeakPositions = new int[dSae];
  }

  /**
   * Looks at one row of the corpus.
   *
   * @param ids its tokens
   * @param features of its activations; those of position 1 on are rows {@code first} on
   */
  void add(long row, int[] ids, SparseFeatures features, int first) {
    int count = 0;
    for (int position = 1; position < ids.length; position++) {
      int sparseRow = first + position - 1;
      for (int at = features.offsets()[sparseRow]; at < features.offsets()[sparseRow + 1]; at++) {
        int feature = features.indices()[at];
        float value = features.values()[at];
        if (rowPeaks[feature] == 0) {
          rowFeatures[count++] = feature;
        }
        if (value > rowPeaks[feature]) {
          rowPeaks[feature] = value;
          rowPeakPositions[feature] = position;
        }
      }
    }
    for (int i = 0; i < count; i++) {
      offer(rowFeatures[i], row, ids, features, first);
      rowPeaks[rowFeatures[i]] = 0;
    }
  }

  /** A feature's examples, strongest first. */
  List<Window> of(int feature) {
    PriorityQueue<Window> heap = best.get(feature);
    return heap == null ? List.of() : heap.stream().sorted(WEAKEST_FIRST.reversed()).toList();
  }

  private void offer(int feature, long row, int[] ids, SparseFeatures features, int first) {
    PriorityQueue<Window> heap = best.get(feature);
    if (heap == null) {
      heap = new PriorityQueue<>(WEAKEST_FIRST);
      best.set(feature, heap);
    }
    if (heap.size() == limit && heap.peek().strength() >= rowPeaks[feature]) {
      return;
    }
    Window window = window(feature, row, ids, features, first);
    Optional<Window> same =
        heap.stream().filter(kept -> Arrays.equals(kept.ids(), window.ids())).findFirst();
    if (same.isPresent() && same.get().strength() >= window.strength()) {
      return;
    }
    same.ifPresent(heap::remove);
    heap.add(window);
    if (heap.size() > limit) {
      heap.poll();
    }
  }

  private Window window(int feature, long row, int[] ids, SparseFeatures features, int first) {
    int peak = rowPeakPositions[feature];
    // Mostly what comes before: a causal model has seen nothing else.
    int begin = Math.max(0, Math.min(peak - WINDOW * 3 / 4, ids.length - WINDOW));
    int end = Math.min(ids.length, begin + WINDOW);
    float[] values = new float[end - begin];
    for (int position = Math.max(1, begin); position < end; position++) {
      int sparseRow = first + position - 1;
      int at =
          Arrays.binarySearch(
              features.indices(),
              features.offsets()[sparseRow],
              features.offsets()[sparseRow + 1],
              feature);
      if (at >= 0) {
        values[position - begin] = features.values()[at];
      }
    }
    return new Window(row, Arrays.copyOfRange(ids, begin, end), values, peak - begin);
  }
}
