package dev.loupe.inference.captures;

import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.tensor.ElementType;
import java.util.List;

/**
 * What is kept of one hook point's value: a part of it, reduced step by step.
 *
 * @param point where
 * @param positions in this order; negative ones count from each row's end; empty for all
 * @param heads in this order; empty for all
 * @param reductions applied in this order
 * @param wireType how floating-point values are sent: F32, F16 or BF16; they are computed in F32
 */
public record Capture(
    HookPoint point,
    List<Integer> positions,
    List<Integer> heads,
    List<Reduction> reductions,
    ElementType wireType) {

  /** Takes its own copies of the lists. */
  public Capture {
    positions = List.copyOf(positions);
    heads = List.copyOf(heads);
    reductions = List.copyOf(reductions);
  }

  /** The whole value. */
  public static Capture whole(HookPoint point) {
    return new Capture(point, List.of(), List.of(), List.of(), ElementType.F32);
  }

  /** True when nothing is left out or reduced. */
  public boolean isWhole() {
    return positions.isEmpty() && heads.isEmpty() && reductions.isEmpty();
  }
}
