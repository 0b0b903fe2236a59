package dev.loupe.sae.corpus;

/**
 * How many rows run together. The same rows in the same order are always cut the same way.
 *
 * @param maxRows at most this many rows
 * @param maxPositions at most this many positions, padding counted, but at least one row
 */
public record BatchPlan(int maxRows, int maxPositions) {
  private static final int MAX_ROWS = 64;
  private static final int MAX_POSITIONS = 4096;
  private static final long MAX_BYTES = 8L << 20;

  /** Batches whose activations stay within 8 MiB, for activations of this width. */
  public static BatchPlan forWidth(int dIn) {
    long positions = MAX_BYTES / Float.BYTES / dIn;
    return new BatchPlan(MAX_ROWS, (int) Math.max(1, Math.min(MAX_POSITIONS, positions)));
  }

  /**
   * The same within a quarter of the positions, for calls that answer whole: their losses, tokens
   * and replacements come in one message each.
   */
  public static BatchPlan forLosses(int dIn) {
    BatchPlan plan = forWidth(dIn);
    return new BatchPlan(plan.maxRows / 2, Math.max(1, plan.maxPositions / 2));
  }

  /** Whether a batch of this many rows, the longest this long, is within the plan. */
  boolean fits(int rows, int longest) {
    return rows == 1 || (rows <= maxRows && (long) rows * longest <= maxPositions);
  }
}
