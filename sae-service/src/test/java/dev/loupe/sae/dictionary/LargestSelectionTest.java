package dev.loupe.sae.dictionary;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LargestSelectionTest {

  /** Against sorting, over rows whose scale jumps so that the guess is often wrong, with ties. */
  @Test
  void choosesWhatSortingChooses() {
    Random random = new Random(5);
    int[] candidates = IntStream.range(0, 200).filter(i -> i % 3 == 0).toArray();
    LargestSelection all = LargestSelection.of(200, 17);
    LargestSelection some = LargestSelection.among(candidates, 17);
    int largestCount = 0;
    for (int row = 0; row < 2_000; row++) {
      float[] values = new float[200];
      double scale = Math.exp(3 * random.nextGaussian());
      double shift = row % 5 == 0 ? -2 : 0;
      for (int i = 0; i < values.length; i++) {
        values[i] = Math.round((random.nextGaussian() + shift) * 20) / 20f * (float) scale;
      }
      assertSelects(all, values, IntStream.range(0, 200).toArray());
      largestCount = Math.max(largestCount, assertSelects(some, values, candidates));
    }
    assertThat(largestCount).isEqualTo(17);
  }

  private static int assertSelects(LargestSelection selection, float[] values, int[] among) {
    int[] expected =
        IntStream.of(among)
            .boxed()
            .filter(i -> values[i] > 0)
            .sorted(Comparator.<Integer>comparingDouble(i -> -values[i]).thenComparingInt(i -> i))
            .limit(17)
            .mapToInt(i -> i)
            .sorted()
            .toArray();
    int[] indices = new int[selection.capacity()];
    float[] chosen = new float[selection.capacity()];
    int count = selection.select(values, indices, chosen);
    assertThat(IntStream.range(0, count).map(i -> indices[i]).toArray()).isEqualTo(expected);
    for (int i = 0; i < count; i++) {
      assertThat(chosen[i]).isEqualTo(values[indices[i]]);
    }
    return count;
  }
}
