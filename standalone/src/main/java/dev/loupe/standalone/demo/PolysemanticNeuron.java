package dev.loupe.standalone.demo;

import java.util.List;

/**
 * A neuron that fires for several unrelated things.
 *
 * @param maximum its largest activation on the text
 * @param senses what its strongest firings mean, most frequent first
 */
record PolysemanticNeuron(int layer, int neuron, float maximum, List<Sense> senses) {
  PolysemanticNeuron {
    senses = List.copyOf(senses);
  }

  /** The neuron's short name, such as {@code L1N305}. */
  String label() {
    return "L" + layer + "N" + neuron;
  }

  /** Share of its strongest firings that the senses account for. */
  double covered() {
    return senses.stream().mapToDouble(Sense::share).sum();
  }

  /**
   * One of the things that it fires for.
   *
   * @param meaning what it is
   * @param share share of its strongest firings that mean this and no sense before
   * @param token the strongest of them
   * @param activation at that token
   */
  record Sense(String meaning, double share, int token, float activation) {}
}
