package dev.loupe.inference.neurons;

import dev.loupe.inference.model.TokenBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The strongest examples of many units, in arrays of a size that is known from the start: what a
 * scan holds does not grow with its corpus. Earlier places win ties. Not thread-safe.
 */
final class ExampleTable {
  private final int topK;
  private final int before;
  private final int after;
  private final int window;
  private final float[] activations; // [unit, topK]
  private final long[] sequence; // [unit, topK], which row of the whole scan
  private final long[] batches; // [unit, topK]
  private final int[] rows; // [unit, topK]
  private final int[] positions; // [unit, topK]
  private final int[] lengths; // [unit, topK], of the context
  private final TokenSlab contexts; // [unit, topK, window]
  private final int[] filled; // [unit]
  private final int[] weakest; // [unit]
  private final float[] bars; // [unit]

  ExampleTable(int units, ScanOptions options, int vocabularySize) {
    topK = options.topK();
    before = options.before();
    after = options.after();
    window = options.window();
    int entries = Math.multiplyExact(units, topK);
    activations = new float[entries];
    sequence = new long[entries];
    batches = new long[entries];
    rows = new int[entries];
    positions = new int[entries];
    lengths = new int[entries];
    contexts = new TokenSlab(Math.multiplyExact(entries, window), vocabularySize);
    filled = new int[units];
    weakest = new int[units];
    bars = new float[units];
    Arrays.fill(bars, Float.NEGATIVE_INFINITY);
  }

  /** Bytes that a table takes. */
  static long bytes(long units, ScanOptions options, int vocabularySize) {
    long entry = 4 + 8 + 8 + 4 + 4 + 4 + TokenSlab.bytes(options.window(), vocabularySize);
    return units * (options.topK() * entry + 12);
  }

  /** What a value must exceed to be kept, for each unit. */
  float[] bars() {
    return bars;
  }

  /**
   * Keeps a value that exceeds its unit's bar. Places must come in order, earlier ones first.
   *
   * @param number the row's, in the whole scan
   */
  void add(
      int unit, float activation, TokenBatch batch, long batchId, int row, long number, int at) {
    int first = unit * topK;
    int entry = filled[unit] < topK ? first + filled[unit]++ : weakest[unit];
    activations[entry] = activation;
    sequence[entry] = number;
    batches[entry] = batchId;
    rows[entry] = row;
    positions[entry] = at;
    int start = Math.max(0, at - before);
    lengths[entry] = (int) Math.min(batch.lengths()[row], (long) at + after + 1) - start;
    for (int i = 0; i < lengths[entry]; i++) {
      int token = (int) batch.ids()[row * batch.width() + start + i];
      contexts.set(entry * window + i, token);
    }
    if (filled[unit] == topK) {
      weakest[unit] = weakest(first);
      bars[unit] = activations[weakest[unit]];
    }
  }

  /** The entry that the next better one replaces. */
  private int weakest(int first) {
    int weakest = first;
    for (int entry = first + 1; entry < first + topK; entry++) {
      if (activations[entry] < activations[weakest]
          || (activations[entry] == activations[weakest] && isLater(entry, weakest))) {
        weakest = entry;
      }
    }
    return weakest;
  }

  private boolean isLater(int entry, int than) {
    return sequence[entry] != sequence[than]
        ? sequence[entry] > sequence[than]
        : positions[entry] > positions[than];
  }

  /** A unit's examples, strongest first, then earlier ones first. */
  List<Example> of(int unit) {
    Comparator<Integer> order =
        Comparator.<Integer>comparingDouble(entry -> -activations[entry])
            .thenComparingLong(entry -> sequence[entry])
            .thenComparingInt(entry -> positions[entry]);
    List<Example> examples = new ArrayList<>(filled[unit]);
    IntStream.range(unit * topK, unit * topK + filled[unit])
        .boxed()
        .sorted(order)
        .forEach(entry -> examples.add(example(entry)));
    return examples;
  }

  private Example example(int entry) {
    int[] context = new int[lengths[entry]];
    for (int i = 0; i < context.length; i++) {
      context[i] = contexts.get(entry * window + i);
    }
    return new Example(
        batches[entry],
        rows[entry],
        positions[entry],
        activations[entry],
        context,
        Math.min(before, positions[entry]));
  }
}
