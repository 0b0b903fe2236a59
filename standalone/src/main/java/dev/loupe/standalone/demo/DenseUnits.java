package dev.loupe.standalone.demo;

import java.util.stream.IntStream;

/** Neurons: an activation at every token. */
final class DenseUnits implements Units {
  private final String prefix;
  private final int[] tokens;
  private final float[][] values;

  /**
   * Neurons without activations yet.
   *
   * @param prefix what a neuron's name starts with, such as {@code L2N}
   */
  DenseUnits(String prefix, int count, int tokens) {
    this.prefix = prefix;
    this.tokens = IntStream.range(0, tokens).toArray();
    this.values = new float[count][tokens];
  }

  /** Keeps the activations of all neurons at a token: {@code source[from ..]}. */
  void put(int token, float[] source, int from) {
    for (int unit = 0; unit < values.length; unit++) {
      values[unit][token] = source[from + unit];
    }
  }

  @Override
  public int count() {
    return values.length;
  }

  @Override
  public Column column(int unit) {
    return new Column(tokens, values[unit]);
  }

  @Override
  public String name(int unit) {
    return prefix + unit;
  }
}
