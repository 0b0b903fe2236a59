package dev.loupe.inference.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenSamplerTest {
  private static final float[] LOGITS = {0.5f, 2, -1, 1.5f, 2, Float.NEGATIVE_INFINITY};

  private static int[] draws(SamplingOptions options, int count) {
    TokenSampler sampler = new TokenSampler(options);
    return IntStream.range(0, count).map(i -> sampler.next(LOGITS)).toArray();
  }

  private static double share(int[] draws, int id) {
    return IntStream.of(draws).filter(d -> d == id).count() / (double) draws.length;
  }

  @Test
  void greedyTakesTheFirstOfTheBest() {
    assertThat(draws(SamplingOptions.GREEDY, 3)).containsOnly(1);
  }

  @Test
  void oneOfOneIsGreedy() {
    assertThat(draws(new SamplingOptions(3, 1, 1, 9), 20)).containsOnly(1);
    assertThat(draws(new SamplingOptions(1, 0, 1e-9, 9), 20)).containsOnly(1);
  }

  @Test
  void drawsFollowTheSoftmax() {
    int[] draws = draws(new SamplingOptions(0.5, 0, 1, 1), 40_000);
    double sum = 0;
    for (float logit : LOGITS) {
      sum += Math.exp(logit / 0.5);
    }
    for (int id = 0; id < LOGITS.length; id++) {
      assertThat(share(draws, id)).isCloseTo(Math.exp(LOGITS[id] / 0.5) / sum, offset(0.01));
    }
  }

  @Test
  void topKKeepsTheBest() {
    assertThat(draws(new SamplingOptions(5, 3, 1, 1), 2_000))
        .contains(1, 3, 4)
        .doesNotContain(0, 2);
  }

  @Test
  void topPKeepsTheFewestThatReachIt() {
    // The two best hold 0.69 of the probability, the three best 0.90.
    assertThat(draws(new SamplingOptions(1, 0, 0.6, 1), 2_000)).contains(1, 4).doesNotContain(0, 3);
    assertThat(draws(new SamplingOptions(1, 0, 0.8, 1), 2_000)).contains(1, 3, 4).doesNotContain(0);
  }

  @Test
  void aSeedRepeatsItself() {
    SamplingOptions options = new SamplingOptions(2, 0, 0.9, 77);
    assertThat(draws(options, 500)).isEqualTo(draws(options, 500));
  }
}
