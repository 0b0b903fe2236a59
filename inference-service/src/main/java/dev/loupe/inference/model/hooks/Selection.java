package dev.loupe.inference.model.hooks;

import java.util.List;

/**
 * Which part of an activation an intervention changes. Empty lists mean all.
 *
 * @param positions token positions; negative ones count from the end of each row
 * @param heads attention heads, from 0
 * @param rows rows of the batch, from 0
 * @param neurons entries of the last axis, from 0; at attention maps, keys. The edit is computed on
 *     the whole axis, and what it gives elsewhere is dropped.
 */
public record Selection(
    List<Integer> positions, List<Integer> heads, List<Integer> rows, List<Integer> neurons) {
  /** Everything. */
  public static final Selection ALL = new Selection(List.of(), List.of(), List.of());

  /** Takes its own copies of the lists. */
  public Selection {
    positions = List.copyOf(positions);
    heads = List.copyOf(heads);
    rows = List.copyOf(rows);
    neurons = List.copyOf(neurons);
  }

  /** The whole last axis of some positions, heads and rows. */
  public Selection(List<Integer> positions, List<Integer> heads, List<Integer> rows) {
    this(positions, heads, rows, List.of());
  }

  /** Some positions of every row and head. */
  public static Selection ofPositions(Integer... positions) {
    return new Selection(List.of(positions), List.of(), List.of());
  }

  /** Some heads at every position. */
  public static Selection ofHeads(Integer... heads) {
    return new Selection(List.of(), List.of(heads), List.of());
  }

  /** Some entries of the last axis, everywhere. */
  public static Selection ofNeurons(Integer... neurons) {
    return new Selection(List.of(), List.of(), List.of(), List.of(neurons));
  }
}
