package dev.loupe.standalone.demo;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Finds neurons whose strongest firings mean many things: of the {@value #FIRINGS} tokens at which
 * a neuron fires most, meanings are taken one by one, each time the one that most of those not yet
 * accounted for share; each that takes at least a tenth of all is a sense of the neuron.
 */
final class PolysemanticNeurons {
  private static final int FIRINGS = 100;
  private static final int SMALLEST_SENSE = FIRINGS / 10;
  private static final int MOST_SENSES = 6;

  private final Meanings meanings;

  PolysemanticNeurons(Meanings meanings) {
    this.meanings = meanings;
  }

  /**
   * The neurons with the most senses; among equals, those whose senses account for most firings.
   */
  List<PolysemanticNeuron> find(DenseUnits units, int layer, int count) {
    // Without labels, word ids are given in the order asked for, which must not depend on threads.
    return IntStream.range(0, units.count())
        .boxed()
        .sorted(Comparator.comparingDouble(neuron -> -maximum(units, neuron)))
        .limit((units.count() + 1) / 2)
        .map(neuron -> look(units.column(neuron).values(), layer, neuron))
        .sorted(
            Comparator.comparingInt((PolysemanticNeuron n) -> -n.senses().size())
                .thenComparingDouble(n -> -n.covered()))
        .limit(count)
        .toList();
  }

  private static float maximum(DenseUnits units, int neuron) {
    float maximum = Float.NEGATIVE_INFINITY;
    for (float value : units.column(neuron).values()) {
      maximum = Math.max(maximum, value);
    }
    return maximum;
  }

  private PolysemanticNeuron look(float[] values, int layer, int neuron) {
    int[] order = ConceptScores.descending(values);
    List<Integer> open = new ArrayList<>();
    for (int i = 0; i < Math.min(FIRINGS, order.length) && values[order[i]] > 0; i++) {
      open.add(order[i]);
    }
    List<PolysemanticNeuron.Sense> senses = new ArrayList<>();
    while (senses.size() < MOST_SENSES) {
      int meaning = mostShared(open);
      List<Integer> taken =
          meaning < 0
              ? List.of()
              : open.stream().filter(token -> meanings.of(token).get(meaning)).toList();
      if (taken.size() < SMALLEST_SENSE) {
        break;
      }
      int strongest = taken.get(0);
      senses.add(
          new PolysemanticNeuron.Sense(
              meanings.title(meaning, strongest),
              (double) taken.size() / FIRINGS,
              strongest,
              values[strongest]));
      open.removeAll(taken);
    }
    return new PolysemanticNeuron(layer, neuron, values[order[0]], senses);
  }

  private int mostShared(List<Integer> tokens) {
    Map<Integer, Integer> counts = new HashMap<>();
    int best = -1;
    for (int token : tokens) {
      BitSet of = meanings.of(token);
      for (int m = of.nextSetBit(0); m >= 0; m = of.nextSetBit(m + 1)) {
        int count = counts.merge(m, 1, Integer::sum);
        int bestCount = counts.getOrDefault(best, 0);
        if (count > bestCount || (count == bestCount && m < best)) {
          best = m;
        }
      }
    }
    return best;
  }
}
