package dev.loupe.inference.sweeps;

import java.util.Arrays;

/**
 * The cells of a sweep, in the order in which they are run: by position, then layer, then head.
 *
 * @param activation what is patched
 * @param layers ascending
 * @param positions ascending; empty when a patch spans all positions
 * @param heads ascending; empty when a patch spans all heads
 */
public record SweepGrid(PatchedActivation activation, int[] layers, int[] positions, int[] heads) {

  /**
   * Takes its own copies.
   *
   * @throws IllegalArgumentException when there is no cell, or the axes do not fit the activation
   */
  public SweepGrid {
    layers = layers.clone();
    positions = positions.clone();
    heads = heads.clone();
    if (layers.length == 0) {
      throw new IllegalArgumentException("a sweep without layers");
    }
    if (activation.isPerHead() == (heads.length == 0)) {
      throw new IllegalArgumentException(activation + " with " + heads.length + " heads");
    }
  }

  /** A grid of all layers, positions and heads from 0 on. */
  public static SweepGrid of(PatchedActivation activation, int layers, int positions, int heads) {
    return new SweepGrid(activation, upTo(layers), upTo(positions), upTo(heads));
  }

  private static int[] upTo(int end) {
    int[] all = new int[end];
    Arrays.setAll(all, i -> i);
    return all;
  }

  /** True when each cell is one position. */
  public boolean isByPosition() {
    return positions.length > 0;
  }

  /** How many cells there are. */
  public int size() {
    return Math.multiplyExact(
        Math.multiplyExact(layers.length, Math.max(1, positions.length)),
        Math.max(1, heads.length));
  }

  /** A cell by its place in the order. */
  public SweepCell cell(int index) {
    int perHead = Math.max(1, heads.length);
    int head = index % perHead;
    int layer = index / perHead % layers.length;
    int position = index / perHead / layers.length;
    return new SweepCell(
        layers[layer],
        positions.length == 0 ? SweepCell.ALL : positions[position],
        heads.length == 0 ? SweepCell.ALL : heads[head]);
  }
}
