package dev.loupe.standalone.demo;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How well single units stand for concepts. On one half of a labelled text every unit is tried for
 * every concept with every threshold that its activations offer; the best by F1 is then measured on
 * the other half, so that a lucky choice among many gains nothing.
 */
final class ConceptScores {
  private final BitSet[] chooseLabels;
  private final BitSet[] reportLabels;
  private final int concepts;

  /**
   * Scores over labelled tokens.
   *
   * @param chooseLabels concepts of each token of the text on which units are chosen
   * @param reportLabels concepts of each token of the text on which they are measured
   * @param concepts number of concepts
   */
  ConceptScores(List<BitSet> chooseLabels, List<BitSet> reportLabels, int concepts) {
    this.chooseLabels = chooseLabels.toArray(BitSet[]::new);
    this.reportLabels = reportLabels.toArray(BitSet[]::new);
    this.concepts = concepts;
  }

  /**
   * The best unit for each concept that occurs in both texts, by concept.
   *
   * @param choose the units' activations on the first text
   * @param report the same units' activations on the second
   */
  List<ConceptFit> bestUnits(Units choose, Units report) {
    return best(choose, report).byConcept();
  }

  /** The best unit for each concept, and the best concept for each unit. */
  Matches best(Units choose, Units report) {
    int[] occurrences = occurrences(chooseLabels);
    int[] reported = occurrences(reportLabels);
    List<Sweep> sweeps =
        IntStream.range(0, choose.count())
            .parallel()
            .mapToObj(unit -> sweep(choose.column(unit), occurrences))
            .toList();
    List<ConceptFit> byConcept = new ArrayList<>();
    for (int concept = 0; concept < concepts; concept++) {
      if (occurrences[concept] == 0 || reported[concept] == 0) {
        continue;
      }
      int unit = 0;
      for (int u = 1; u < sweeps.size(); u++) {
        if (sweeps.get(u).f1[concept] > sweeps.get(unit).f1[concept]) {
          unit = u;
        }
      }
      byConcept.add(measure(concept, unit, sweeps.get(unit), report, reported));
    }
    List<ConceptFit> byUnit = new ArrayList<>();
    for (int unit = 0; unit < sweeps.size(); unit++) {
      int concept = argmax(sweeps.get(unit).f1);
      if (sweeps.get(unit).f1[concept] > 0 && reported[concept] > 0) {
        byUnit.add(measure(concept, unit, sweeps.get(unit), report, reported));
      }
    }
    return new Matches(byConcept, byUnit);
  }

  /**
   * What was found.
   *
   * @param byConcept the best unit for each concept
   * @param byUnit the best concept for each unit that has any
   */
  record Matches(List<ConceptFit> byConcept, List<ConceptFit> byUnit) {
    Matches {
      byConcept = List.copyOf(byConcept);
      byUnit = List.copyOf(byUnit);
    }

    /** Mean over concepts of the F1 on the text that the choice never saw. */
    double meanF1() {
      return byConcept.stream().mapToDouble(ConceptFit::f1).average().orElse(0);
    }
  }

  /** Best F1 and its threshold for every concept, of one unit. */
  private record Sweep(double[] f1, float[] threshold) {}

  private Sweep sweep(Units.Column column, int[] occurrences) {
    Sweep best = new Sweep(new double[concepts], new float[concepts]);
    int[] hits = new int[concepts];
    BitSet touched = new BitSet(concepts);
    int[] order = descending(column.values());
    for (int i = 0; i < order.length; i++) {
      BitSet labels = chooseLabels[column.tokens()[order[i]]];
      for (int c = labels.nextSetBit(0); c >= 0; c = labels.nextSetBit(c + 1)) {
        hits[c]++;
        touched.set(c);
      }
      float value = column.values()[order[i]];
      boolean tied = i + 1 < order.length && column.values()[order[i + 1]] == value;
      if (!tied) {
        // Between two hits F1 only falls, so it is enough to look where a concept has just gained
        // one.
        for (int c = touched.nextSetBit(0); c >= 0; c = touched.nextSetBit(c + 1)) {
          double f1 = 2.0 * hits[c] / (i + 1 + occurrences[c]);
          if (f1 > best.f1[c]) {
            best.f1[c] = f1;
            best.threshold[c] = value;
          }
        }
        touched.clear();
      }
    }
    return best;
  }

  private ConceptFit measure(int concept, int unit, Sweep sweep, Units report, int[] reported) {
    Units.Column column = report.column(unit);
    float threshold = sweep.threshold[concept];
    int yes = 0;
    int hits = 0;
    for (int i = 0; i < column.values().length; i++) {
      if (column.values()[i] >= threshold) {
        yes++;
        if (reportLabels[column.tokens()[i]].get(concept)) {
          hits++;
        }
      }
    }
    double precision = yes == 0 ? 0 : (double) hits / yes;
    double recall = (double) hits / reported[concept];
    double f1 = 2.0 * hits / (yes + reported[concept]);
    return new ConceptFit(concept, unit, threshold, sweep.f1[concept], f1, precision, recall);
  }

  private int[] occurrences(BitSet[] labels) {
    int[] counts = new int[concepts];
    for (BitSet set : labels) {
      set.stream().forEach(c -> counts[c]++);
    }
    return counts;
  }

  private static int argmax(double[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }

  /** Indices of the values, largest value first. */
  static int[] descending(float[] values) {
    // A float's bits, flipped so that they order as the value does, above the index: one primitive
    // sort.
    long[] keys = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      int bits = Float.floatToIntBits(values[i]);
      int ordered = bits >= 0 ? bits : bits ^ Integer.MAX_VALUE;
      keys[i] = ((long) ~ordered << 32) | i;
    }
    java.util.Arrays.sort(keys);
    int[] order = new int[values.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = (int) keys[i];
    }
    return order;
  }
}
