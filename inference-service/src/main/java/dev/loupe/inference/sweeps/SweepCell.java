package dev.loupe.inference.sweeps;

/**
 * One place that is patched.
 *
 * @param layer from 0
 * @param position from 0, or {@link #ALL}
 * @param head from 0, or {@link #ALL}
 */
public record SweepCell(int layer, int position, int head) {
  /** Stands for all positions, or all heads. */
  public static final int ALL = -1;
}
