package dev.loupe.inference.analysis;

import dev.loupe.inference.model.hooks.HookPoint;
import java.util.List;

/**
 * What the model would say after one depth.
 *
 * @param point the residual stream that was read
 * @param positions one for each asked position
 */
public record LensLayer(HookPoint point, List<Position> positions) {

  /**
   * What the model would say at one position.
   *
   * @param position in the row, from 0
   * @param top likeliest first
   * @param tracked the tokens that were asked for, in that order
   */
  public record Position(int position, List<TokenScore> top, List<TokenScore> tracked) {}
}
