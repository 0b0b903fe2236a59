package dev.loupe.inference.neurons;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Units of one hook point: entries of what lies there at each position. Where that has several axes
 * (head and d_head), units count through them, the last one fastest.
 *
 * @param point where they lie
 * @param width units that lie there
 * @param units the chosen ones, in the order of their reports
 */
public record UnitGroup(HookPoint point, int width, List<Integer> units) {

  /** Takes its own copy of the list. */
  public UnitGroup {
    units = List.copyOf(units);
  }

  /**
   * Units of a hook point.
   *
   * @param units which; none means all
   * @throws InvalidUnitsException when the point has no value for each position, or a unit is not
   *     there or comes twice
   */
  public static UnitGroup of(GptConfig config, HookPoint point, List<Integer> units) {
    List<HookAxis> axes = point.kind().axes();
    if (point.kind().isAttentionMap() || axes.contains(HookAxis.SCALE)) {
      throw new InvalidUnitsException(
          "%s has no units; choose a hook point with axes (batch, pos, ...) that are neither attention maps nor scales"
              .formatted(point));
    }
    int width = 1;
    for (HookAxis axis : axes.subList(2, axes.size())) {
      width = Math.multiplyExact(width, axis.size(config));
    }
    Set<Integer> seen = new HashSet<>();
    for (int unit : units) {
      if (unit < 0 || unit >= width) {
        throw new InvalidUnitsException(
            "unit %d of %s; expected 0 to %d".formatted(unit, point, width - 1));
      }
      if (!seen.add(unit)) {
        throw new InvalidUnitsException("unit %d of %s comes twice".formatted(unit, point));
      }
    }
    return new UnitGroup(point, width, units);
  }

  /** Units that are looked at. */
  public int count() {
    return units.isEmpty() ? width : units.size();
  }

  /** The index at the hook point of the i-th unit that is looked at. */
  public int unit(int i) {
    return units.isEmpty() ? i : units.get(i);
  }
}
