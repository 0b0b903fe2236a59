package dev.loupe.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.loupe.standalone.client.SparseFeatures;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NeuronDecompositionTest {
  @Test
  void findsTheFeaturesThatTheNeuronIsASumOf() {
    Random random = new Random(3);
    int tokens = 500;
    SparseUnits features = new SparseUnits(10);
    float[] neuron = new float[tokens];
    for (int t = 0; t < tokens; t++) {
      int first = random.nextInt(10);
      int second = (first + 1 + random.nextInt(9)) % 10;
      float[] values = {random.nextFloat(), random.nextFloat()};
      int[] active = {Math.min(first, second), Math.max(first, second)};
      features.put(t, new SparseFeatures(new int[] {0, 2}, active, values), 0);
      neuron[t] = 0.25f;
      for (int i = 0; i < 2; i++) {
        neuron[t] += active[i] == 3 ? 2 * values[i] : active[i] == 7 ? 1.5f * values[i] : 0;
      }
    }

    NeuronDecomposition.Result result =
        NeuronDecomposition.decompose(neuron, features, neuron, features, 2);

    assertThat(result.parts().stream().map(NeuronDecomposition.Part::feature))
        .containsExactly(3, 7);
    assertThat(result.parts().get(0).coefficient()).isCloseTo(2, within(1e-4));
    assertThat(result.parts().get(1).coefficient()).isCloseTo(1.5, within(1e-4));
    assertThat(result.explained()).isCloseTo(1, within(1e-6));
    assertThat(result.parts().stream().mapToDouble(NeuronDecomposition.Part::gain).sum())
        .isCloseTo(1, within(1e-6));
  }

  @Test
  void whatIsLearntOnOneTextIsMeasuredOnTheOther() {
    SparseUnits features = new SparseUnits(1);
    features.put(0, new SparseFeatures(new int[] {0, 1}, new int[] {0}, new float[] {1}), 0);
    SparseUnits elsewhere = new SparseUnits(1);
    elsewhere.put(1, new SparseFeatures(new int[] {0, 1}, new int[] {0}, new float[] {1}), 0);

    NeuronDecomposition.Result result =
        NeuronDecomposition.decompose(
            new float[] {1, 0, 0, 0}, features, new float[] {1, 0, 0, 0}, elsewhere, 3);

    assertThat(result.parts()).hasSize(1);
    assertThat(result.explained()).isLessThan(0);
  }
}
