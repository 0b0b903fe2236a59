package dev.loupe.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.loupe.standalone.client.SparseFeatures;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ConceptScoresTest {
  @Test
  void unitAndThresholdAreChosenOnOneTextAndMeasuredOnTheOther() {
    // Concept 0 stands at tokens 0 and 1 of the first text, at tokens 0 and 2 of the second.
    List<BitSet> choose = labels("0", "0", "", "1");
    List<BitSet> report = labels("0", "", "0", "1");
    DenseUnits chooseUnits = dense(new float[][] {{3, 2, 1, 0}, {0, 0, 0, 9}});
    DenseUnits reportUnits = dense(new float[][] {{3, 2.5f, 1, 0}, {0, 0, 0, 8}});

    List<ConceptFit> fits =
        new ConceptScores(choose, report, 3).bestUnits(chooseUnits, reportUnits);

    // Unit 0 says yes from 2 on: right twice on the first text, once of two on the second. Unit 1's
    // threshold of 9 is never reached there. Concept 2 never occurs.
    assertThat(fits)
        .containsExactly(
            new ConceptFit(0, 0, 2, 1, 0.5, 0.5, 0.5), new ConceptFit(1, 1, 9, 1, 0, 0, 0));
  }

  @Test
  void equalActivationsCannotBeToldApart() {
    List<BitSet> labels = labels("0", "", "0", "");
    DenseUnits units = dense(new float[][] {{1, 1, 1, 0}});

    ConceptFit fit = new ConceptScores(labels, labels, 1).bestUnits(units, units).get(0);

    assertThat(fit.threshold()).isEqualTo(1);
    assertThat(fit.f1()).isCloseTo(2 * 2 / (3.0 + 2), within(1e-12));
  }

  @Test
  void aFeatureIsNeverActiveWhereItDoesNotFire() {
    List<BitSet> labels = labels("0", "", "0", "");
    SparseUnits units = new SparseUnits(2);
    units.put(0, new SparseFeatures(new int[] {0, 1}, new int[] {1}, new float[] {0.5f}), 0);
    units.put(2, new SparseFeatures(new int[] {0, 1}, new int[] {1}, new float[] {0.1f}), 0);

    ConceptScores.Matches matches = new ConceptScores(labels, labels, 1).best(units, units);

    assertThat(matches.byConcept()).containsExactly(new ConceptFit(0, 1, 0.1f, 1, 1, 1, 1));
    assertThat(matches.byUnit()).isEqualTo(matches.byConcept());
    assertThat(matches.meanF1()).isEqualTo(1);
  }

  @Test
  void theSweepFindsWhatTryingEveryThresholdFinds() {
    Random random = new Random(5);
    int tokens = 200;
    int concepts = 6;
    List<BitSet> labels = new ArrayList<>();
    for (int t = 0; t < tokens; t++) {
      BitSet set = new BitSet();
      for (int c = 0; c < concepts; c++) {
        set.set(c, random.nextInt(5) == 0);
      }
      labels.add(set);
    }
    float[][] values = new float[20][tokens];
    for (float[] row : values) {
      for (int t = 0; t < tokens; t++) {
        // Few distinct values, so that ties are common; negative ones too.
        row[t] = random.nextInt(30) - 8;
      }
    }

    List<ConceptFit> fits =
        new ConceptScores(labels, labels, concepts).bestUnits(dense(values), dense(values));

    for (ConceptFit fit : fits) {
      double best = 0;
      for (float[] row : values) {
        for (float threshold : row) {
          best = Math.max(best, f1(row, threshold, labels, fit.concept()));
        }
      }
      assertThat(fit.chosenF1()).isCloseTo(best, within(1e-12));
      assertThat(fit.f1()).isCloseTo(best, within(1e-12));
    }
    assertThat(fits).hasSize(concepts);
  }

  private static double f1(float[] values, float threshold, List<BitSet> labels, int concept) {
    int hits = 0;
    int wrong = 0;
    int missed = 0;
    for (int t = 0; t < values.length; t++) {
      boolean yes = values[t] >= threshold;
      boolean is = labels.get(t).get(concept);
      hits += yes && is ? 1 : 0;
      wrong += yes && !is ? 1 : 0;
      missed += !yes && is ? 1 : 0;
    }
    return 2.0 * hits / (2.0 * hits + wrong + missed);
  }

  static DenseUnits dense(float[][] byUnit) {
    DenseUnits units = new DenseUnits("U", byUnit.length, byUnit[0].length);
    for (int t = 0; t < byUnit[0].length; t++) {
      float[] column = new float[byUnit.length];
      for (int u = 0; u < column.length; u++) {
        column[u] = byUnit[u][t];
      }
      units.put(t, column, 0);
    }
    return units;
  }

  static List<BitSet> labels(String... tokens) {
    List<BitSet> labels = new ArrayList<>();
    for (String token : tokens) {
      BitSet set = new BitSet();
      token.chars().forEach(c -> set.set(c - '0'));
      labels.add(set);
    }
    return labels;
  }
}
