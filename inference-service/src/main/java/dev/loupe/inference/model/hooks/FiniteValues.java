package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;

/** Says when edits took a value beyond what float32 holds, which would else spread in silence. */
final class FiniteValues {
  private FiniteValues() {}

  /**
   * Looks at the tokens of every row; what stands at padding concerns nobody.
   *
   * @throws InvalidInterventionException when the value holds an infinity or no number. Attention
   *     scores may: the softmax after them makes of both what they mean.
   */
  static void check(HookPoint point, NDArray value, PassRows rows) {
    if (point.kind() == HookKind.ATTN_SCORES || isFinite(value)) {
      return;
    }
    int heads =
        point.kind().headAxis() < 0 ? 1 : (int) value.getShape().get(point.kind().headAxis());
    for (int row = 0; row < rows.rows(); row++) {
      EditBox tokens = new EditBox(point.kind(), row, row + 1, 0, rows.counts()[row], 0, heads, -1);
      if (!isFinite(tokens.in(value))) {
        throw new InvalidInterventionException(
            InvalidInterventionException.Kind.NOT_FINITE,
            "interventions",
            "in row %d, %s holds infinities or no numbers, by the interventions or live hooks there or before; float32 holds up to 3.4e38, and a layer norm's scale divides"
                .formatted(row, point));
      }
    }
  }

  private static boolean isFinite(NDArray value) {
    try (NDArray largest = value.max();
        NDArray least = value.min()) {
      return Float.isFinite(largest.getFloat()) && Float.isFinite(least.getFloat());
    }
  }
}
