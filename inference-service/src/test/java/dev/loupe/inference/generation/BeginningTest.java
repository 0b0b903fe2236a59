package dev.loupe.inference.generation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BeginningTest {

  private static List<String> streams(int samples, int[]... prompts) {
    return Beginning.of(List.of(prompts), samples).stream()
        .map(text -> text.prompt() + "." + text.sample() + ":" + text.stream())
        .toList();
  }

  @Test
  void samplesAndRepeatedPromptsHaveStreamsOfTheirOwn() {
    int[] a = {1, 2};
    int[] b = {3};
    assertThat(streams(1, a, b, a.clone(), a.clone()))
        .containsExactly("0.0:0", "1.0:0", "2.0:1", "3.0:2");
    assertThat(streams(2, a, b, a.clone()))
        .containsExactly("0.0:0", "0.1:1", "1.0:0", "1.1:1", "2.0:2", "2.1:3");
  }

  @Test
  void streamsOfASeedDiffer() {
    SamplingOptions options = new SamplingOptions(1, 0, 1, Penalties.NONE, 5);
    float[] even = new float[1000];
    java.util.Arrays.fill(even, 1);
    Set<List<Integer>> texts = new HashSet<>();
    for (int stream = 0; stream < 64; stream++) {
      TokenSampler sampler = new TokenSampler(options, stream);
      texts.add(IntStream.range(0, 5).mapToObj(i -> sampler.next(even)).toList());
    }
    assertThat(texts).hasSize(64);
  }
}
