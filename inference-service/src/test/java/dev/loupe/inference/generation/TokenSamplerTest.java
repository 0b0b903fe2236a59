package dev.loupe.inference.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenSamplerTest {
  private static final float[] LOGITS = {0.5f, 2, -1, 1.5f, 2, Float.NEGATIVE_INFINITY};

  private static int[] draws(SamplingOptions options, int count) {
    TokenSampler sampler = new TokenSampler(options, 0);
    float[] scores = options.isGreedy() ? LOGITS : weights(options.temperature());
    return IntStream.range(0, count).map(i -> sampler.next(scores)).toArray();
  }

  /** Not normalised: only their ratios count. */
  private static float[] weights(double temperature) {
    float[] weights = new float[LOGITS.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) Math.exp(LOGITS[i] / temperature);
    }
    return weights;
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
    assertThat(draws(new SamplingOptions(3, 1, 1, Penalties.NONE, 9), 20)).containsOnly(1);
    assertThat(draws(new SamplingOptions(1, 0, 1e-9, Penalties.NONE, 9), 20)).containsOnly(1);
  }

  @Test
  void drawsFollowTheSoftmax() {
    int[] draws = draws(new SamplingOptions(0.5, 0, 1, Penalties.NONE, 1), 40_000);
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
    assertThat(draws(new SamplingOptions(5, 3, 1, Penalties.NONE, 1), 2_000))
        .contains(1, 3, 4)
        .doesNotContain(0, 2);
  }

  @Test
  void topPKeepsTheFewestThatReachIt() {
    // The two best hold 0.69 of the probability, the three best 0.90.
    assertThat(draws(new SamplingOptions(1, 0, 0.6, Penalties.NONE, 1), 2_000))
        .contains(1, 4)
        .doesNotContain(0, 3);
    assertThat(draws(new SamplingOptions(1, 0, 0.8, Penalties.NONE, 1), 2_000))
        .contains(1, 3, 4)
        .doesNotContain(0);
  }

  @Test
  void aSeedRepeatsItself() {
    SamplingOptions options = new SamplingOptions(2, 0, 0.9, Penalties.NONE, 77);
    assertThat(draws(options, 500)).isEqualTo(draws(options, 500));
  }

  /** The definition: sort all, keep the likeliest, then the fewest that reach top-p. */
  private static Set<Integer> kept(float[] weights, int topK, double topP) {
    List<Integer> ranked =
        IntStream.range(0, weights.length)
            .boxed()
            .sorted(Comparator.<Integer>comparingDouble(i -> -weights[i]).thenComparingInt(i -> i))
            .limit(topK == 0 ? weights.length : topK)
            .toList();
    double sum = ranked.stream().mapToDouble(i -> weights[i]).sum();
    Set<Integer> kept = new HashSet<>();
    double reached = 0;
    for (int id : ranked) {
      kept.add(id);
      reached += weights[id];
      if (reached >= topP * sum) {
        break;
      }
    }
    return kept;
  }

  @Test
  void whatIsKeptIsAsDefined() {
    Random random = new Random(8);
    for (int round = 0; round < 200; round++) {
      float[] weights = new float[1 + random.nextInt(900)];
      double sharpness = 0.2 + 4 * random.nextDouble();
      for (int i = 0; i < weights.length; i++) {
        weights[i] = (float) Math.exp(sharpness * random.nextGaussian());
      }
      int topK = random.nextBoolean() ? 0 : 1 + random.nextInt(weights.length);
      double topP = random.nextBoolean() ? 1 : 0.05 + 0.9 * random.nextDouble();
      Set<Integer> kept = kept(weights, topK, topP);
      TokenSampler sampler =
          new TokenSampler(
              new SamplingOptions(1, topK, topP, Penalties.NONE, random.nextLong()), 0);
      for (int draw = 0; draw < 50; draw++) {
        assertThat(kept).contains(sampler.next(weights));
      }
    }
  }
}
