package dev.loupe.sae.dictionary;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExplainedVarianceTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void aBatchWithoutVarianceIsExplainedWhollyOrNotAtAll(int rows) {
    FloatRows same = FloatRows.zeros(rows, GoldenDictionaries.topK().dIn());
    Arrays.fill(same.values(), 0.1f);
    for (Dictionary dictionary :
        List.of(GoldenDictionaries.topK(), GoldenDictionaries.standard())) {
      BatchLoss loss = dictionary.trainingPass(rows).run(same, 1, new int[0]);
      assertThat(loss.mse()).isPositive();
      assertThat(loss.explainedVariance()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void anExactReconstructionExplainsABatchWithoutVariance(int rows) {
    float[] bias = new float[4];
    Arrays.fill(bias, 0.1f);
    DictionaryWeights weights =
        new DictionaryWeights(
            new float[32], new float[8], new float[32], bias, true, InputNormalization.NONE);
    FloatRows same = FloatRows.zeros(rows, 4);
    Arrays.fill(same.values(), 0.1f);
    BatchLoss loss =
        new StandardDictionary(new Architecture.Standard(0), weights)
            .trainingPass(rows)
            .run(same, 1, new int[0]);
    assertThat(loss.explainedVariance()).isEqualTo(1);
  }
}
