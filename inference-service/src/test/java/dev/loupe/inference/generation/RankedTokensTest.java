package dev.loupe.inference.generation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RankedTokensTest {

  @Test
  void isTheBeginningOfASortedList() {
    Random random = new Random(3);
    for (int round = 0; round < 300; round++) {
      float[] values = new float[random.nextInt(400)];
      for (int i = 0; i < values.length; i++) {
        // Few distinct values, so that there are ties; both zeros are one value.
        values[i] = random.nextInt(40) == 0 ? -0f : (random.nextInt(60) - 30) / 4f;
      }
      int[] sorted =
          IntStream.range(0, values.length)
              .boxed()
              .sorted(
                  Comparator.<Integer>comparingDouble(i -> -(values[i] + 0.0))
                      .thenComparingInt(i -> i))
              .mapToInt(Integer::intValue)
              .toArray();
      int count = random.nextInt(values.length + 3);
      assertThat(RankedTokens.largest(values, count))
          .containsExactly(java.util.Arrays.copyOf(sorted, Math.min(count, sorted.length)));
    }
  }

  @Test
  void impossibleTokensComeLast() {
    float[] values = {Float.NEGATIVE_INFINITY, -3, Float.NEGATIVE_INFINITY, 2};
    assertThat(RankedTokens.largest(values, 4)).containsExactly(3, 1, 0, 2);
  }
}
