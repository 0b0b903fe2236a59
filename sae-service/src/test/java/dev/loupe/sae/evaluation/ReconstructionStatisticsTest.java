package dev.loupe.sae.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.GoldenDictionaries;
import dev.loupe.sae.dictionary.Reconstruction;
import dev.loupe.sae.dictionary.SparseFeatures;
import dev.loupe.sae.dictionary.StandardDictionary;
import dev.loupe.testkit.golden.Golden;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ReconstructionStatisticsTest {
  private final FloatRows x = GoldenDictionaries.rows("x");
  private final StandardDictionary dictionary = GoldenDictionaries.standard();

  /** Golden metrics are those of the standard dictionary; its mse is a mean over d_in too. */
  @Test
  void agreesWithGoldenMetricsWhenAddedInPieces() {
    ReconstructionStatistics statistics =
        new ReconstructionStatistics(dictionary.dIn(), dictionary.dSae());
    for (int first = 0; first < x.rows(); first += 7) {
      FloatRows part = x.slice(first, Math.min(7, x.rows() - first));
      statistics.add(part, dictionary.reconstruct(part));
    }
    assertMetric(statistics.l0(), "metrics/l0");
    assertMetric(statistics.l1(), "metrics/l1");
    assertMetric(statistics.mse() / dictionary.dIn(), "metrics/mse");
    assertMetric(statistics.explainedVariance(), "metrics/explained_variance");
    assertMetric(statistics.cosineSimilarity(), "metrics/cosine_similarity");
    assertThat(statistics.activations()).isEqualTo(x.rows());
  }

  @Test
  void explainedVarianceSurvivesAMeanFarLargerThanTheSpread() {
    FloatRows far = FloatRows.zeros(x.rows(), x.width());
    for (int i = 0; i < far.values().length; i++) {
      far.values()[i] = 10_000 + x.values()[i];
    }
    ReconstructionStatistics statistics =
        new ReconstructionStatistics(dictionary.dIn(), dictionary.dSae());
    FloatRows mean = FloatRows.zeros(x.rows(), x.width());
    for (int i = 0; i < x.width(); i++) {
      double sum = 0;
      for (int row = 0; row < x.rows(); row++) {
        sum += far.values()[row * x.width() + i];
      }
      for (int row = 0; row < x.rows(); row++) {
        mean.values()[row * x.width() + i] = (float) (sum / x.rows());
      }
    }
    statistics.add(far, new Reconstruction(dictionary.encode(x), mean));
    assertThat(statistics.explainedVariance()).isCloseTo(0, within(1e-3));
  }

  @Test
  void deadFractionCountsFeaturesThatNeverFired() {
    ReconstructionStatistics statistics =
        new ReconstructionStatistics(dictionary.dIn(), dictionary.dSae());
    FloatRows one = x.slice(0, 1);
    Reconstruction reconstruction = dictionary.reconstruct(one);
    statistics.add(one, reconstruction);
    assertThat(statistics.deadFraction())
        .isCloseTo(1 - reconstruction.features().count() / 96.0, within(1e-12));
  }

  private static void assertMetric(double actual, String golden) {
    double expected = GoldenDictionaries.scalar(golden);
    assertThat(actual)
        .as(golden)
        .isCloseTo(expected, within(Golden.TOLERANCE * Math.abs(expected)));
  }

  @Test
  void activationsThatAreAllTheSameAreExplainedWhollyOrNotAtAll() {
    FloatRows same = FloatRows.zeros(3, 4);
    Arrays.fill(same.values(), 0.1f);
    FloatRows other = FloatRows.zeros(3, 4);
    SparseFeatures none = new SparseFeatures(new int[4], new int[0], new float[0]);
    ReconstructionStatistics exact = new ReconstructionStatistics(4, 8);
    exact.add(same, new Reconstruction(none, same));
    assertThat(exact.explainedVariance()).isEqualTo(1);
    ReconstructionStatistics missed = new ReconstructionStatistics(4, 8);
    missed.add(same, new Reconstruction(none, other));
    assertThat(missed.explainedVariance()).isZero();
    assertThat(missed.cosineSimilarity()).isZero();
  }

  @Test
  void whereZerosCostNothingThereIsNothingToRecover() {
    assertThat(new EvaluationResult(null, null, 2, 2, 2).ceRecovered()).isEqualTo(1);
    assertThat(new EvaluationResult(null, null, 2, 3, 2).ceRecovered()).isZero();
    assertThat(new EvaluationResult(null, null, 2, 3, 4).ceRecovered()).isEqualTo(0.5);
  }
}
