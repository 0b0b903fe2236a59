package dev.loupe.sae.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.loupe.sae.dictionary.DictionaryWeights;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.GoldenDictionaries;
import dev.loupe.sae.dictionary.StandardDictionary;
import dev.loupe.sae.dictionary.TrainingPass;
import dev.loupe.sae.dictionary.UnitDecoder;
import dev.loupe.testkit.golden.GoldenAssert;
import java.util.List;
import org.junit.jupiter.api.Test;

class OptimizerTest {

  /** Golden: three steps of Adam at 1e-2 on the standard loss, decoder rows held at length 1. */
  @Test
  void constrainedAdamAgreesWithGolden() {
    FloatRows x = GoldenDictionaries.rows("x");
    StandardDictionary dictionary = GoldenDictionaries.standard();
    DictionaryWeights weights = dictionary.weights();
    UnitDecoder constraint = new UnitDecoder(weights);
    constraint.normalize();
    TrainingPass pass = dictionary.trainingPass(x.rows());
    AdamOptimizer adam = new AdamOptimizer(dictionary.parameters());
    for (int step = 0; step < 3; step++) {
      pass.run(x, 1f, new int[0]);
      constraint.projectGradient(pass.gradients().get(2));
      adam.step(pass.gradients(), 1e-2f);
      constraint.normalize();
      dictionary.settle();
    }
    String prefix = "constrained_adam/after_3_steps/";
    GoldenAssert.assertClose(
        "W_enc",
        GoldenDictionaries.transposed(weights.encoder(), weights.dSae(), weights.dIn()),
        GoldenDictionaries.FILE.tensor(prefix + "W_enc"));
    GoldenAssert.assertClose(
        "b_enc", weights.encoderBias(), GoldenDictionaries.FILE.tensor(prefix + "b_enc"));
    GoldenAssert.assertClose(
        "W_dec", weights.decoder(), GoldenDictionaries.FILE.tensor(prefix + "W_dec"));
    GoldenAssert.assertClose(
        "b_dec", weights.decoderBias(), GoldenDictionaries.FILE.tensor(prefix + "b_dec"));
  }

  @Test
  void geometricMedianAgreesWithGolden() {
    GoldenAssert.assertClose(
        "geometric_median",
        GeometricMedian.of(GoldenDictionaries.rows("x")),
        GoldenDictionaries.FILE.tensor("geometric_median"));
  }

  @Test
  void clippingScalesAllGradientsTogether() {
    float[] a = {3, 0, 0, 0, 0};
    float[] b = {0, 4};
    assertThat(AdamOptimizer.clip(List.of(a, b), 1)).isCloseTo(5, within(1e-6));
    assertThat(a[0]).isCloseTo(0.6f, within(1e-6f));
    assertThat(b[1]).isCloseTo(0.8f, within(1e-6f));
    assertThat(AdamOptimizer.clip(List.of(a, b), 1)).isCloseTo(1, within(1e-6));
    assertThat(b[1]).isCloseTo(0.8f, within(1e-6f));
  }
}
