package dev.loupe.gateway.analysis;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The active features of one activation.
 *
 * @param indices of the features
 * @param values their activations, above 0, as many
 */
public record SparseFeatures(int[] indices, float[] values) {
  /** Positions of the strongest, strongest first, ties by lower index; at most this many. */
  List<Integer> strongest(int most) {
    return IntStream.range(0, indices.length)
        .boxed()
        .sorted(
            Comparator.<Integer>comparingDouble(i -> -values[i]).thenComparingInt(i -> indices[i]))
        .limit(most)
        .toList();
  }
}
