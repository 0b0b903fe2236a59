package dev.loupe.sae.dictionary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Features, reconstructions, losses and gradients against an independent float64 implementation:
 * within 1e-4 of each tensor's largest magnitude.
 */
class GoldenGradientsTest {
  private final FloatRows x = GoldenDictionaries.rows("x");

  @Test
  void standardAgreesWithGolden() {
    StandardDictionary dictionary = GoldenDictionaries.standard();
    assertReconstructs("standard", dictionary);
    TrainingPass pass = dictionary.trainingPass(x.rows());
    BatchLoss loss = pass.run(x, 1f, new int[0]);
    assertScalar(loss.loss(), "standard/loss");
    assertScalar(loss.mse(), "standard/mse");
    assertScalar(loss.sparsity(), "standard/sparsity");
    assertGradients("standard", dictionary, pass.gradients());
  }

  @Test
  void topKWithDeadFeaturesAgreesWithGolden() {
    TopKDictionary dictionary = GoldenDictionaries.topK();
    assertReconstructs("topk", dictionary);
    TrainingPass pass = dictionary.trainingPass(x.rows());
    BatchLoss loss = pass.run(x, 1f, GoldenDictionaries.deadFeatures());
    assertScalar(loss.loss(), "topk/loss");
    assertScalar(loss.mse(), "topk/mse");
    assertScalar(loss.auxiliary(), "topk/auxk");
    assertGradients("topk", dictionary, pass.gradients());
  }

  @Test
  void batchStatisticsAgreeWithGolden() {
    BatchLoss loss = GoldenDictionaries.standard().trainingPass(x.rows()).run(x, 1f, new int[0]);
    assertScalar(loss.l0(), "metrics/l0");
    assertScalar(loss.explainedVariance(), "metrics/explained_variance");
    SparseFeatures features = GoldenDictionaries.standard().encode(x);
    int fired = 0;
    for (int count : loss.firings()) {
      fired += count;
    }
    assertThat(fired).isEqualTo(features.count());
  }

  @Test
  void aPassCanBeUsedAgainForASmallerBatch() {
    TopKDictionary dictionary = GoldenDictionaries.topK();
    TrainingPass used = dictionary.trainingPass(x.rows());
    used.run(x, 1f, GoldenDictionaries.deadFeatures());
    FloatRows part = x.slice(3, 11);
    BatchLoss again = used.run(part, 1f, GoldenDictionaries.deadFeatures());
    TrainingPass fresh = dictionary.trainingPass(part.rows());
    BatchLoss expected = fresh.run(part, 1f, GoldenDictionaries.deadFeatures());
    assertThat(again.loss()).isEqualTo(expected.loss());
    for (int i = 0; i < fresh.gradients().size(); i++) {
      assertThat(used.gradients().get(i)).isEqualTo(fresh.gradients().get(i));
    }
  }

  @Test
  void foldingDecoderNormsKeepsTheReconstruction() {
    StandardDictionary dictionary = GoldenDictionaries.standard();
    StandardDictionary folded = dictionary.finished();
    GoldenAssert.assertClose(
        "reconstruction",
        folded.reconstruct(x).values().values(),
        GoldenDictionaries.FILE.tensor("standard/reconstruction"));
    assertThat(VectorMath.norm(folded.weights().decoder(), 24, 24)).isCloseTo(1f, within(1e-5f));
  }

  private void assertReconstructs(String name, Dictionary dictionary) {
    Reconstruction actual = dictionary.reconstruct(x);
    GoldenAssert.assertClose(
        name + "/features",
        actual.features().dense(dictionary.dSae()).values(),
        GoldenDictionaries.FILE.tensor(name + "/features"));
    GoldenAssert.assertClose(
        name + "/reconstruction",
        actual.values().values(),
        GoldenDictionaries.FILE.tensor(name + "/reconstruction"));
    assertThat(dictionary.decode(dictionary.encode(x)).values())
        .isEqualTo(actual.values().values());
  }

  private void assertGradients(String name, Dictionary dictionary, List<float[]> gradients) {
    List<Parameter> parameters = dictionary.parameters();
    for (int i = 0; i < parameters.size(); i++) {
      String parameter = parameters.get(i).name();
      float[] gradient = gradients.get(i);
      if (parameter.equals("W_enc")) {
        gradient = GoldenDictionaries.transposed(gradient, dictionary.dSae(), dictionary.dIn());
      }
      String golden = name + "/grad/" + parameter;
      GoldenAssert.assertClose(golden, gradient, GoldenDictionaries.FILE.tensor(golden));
    }
  }

  private static void assertScalar(double actual, String golden) {
    double expected = GoldenDictionaries.scalar(golden);
    assertThat(actual)
        .as(golden)
        .isCloseTo(expected, within(Golden.TOLERANCE * Math.abs(expected)));
  }
}
