package dev.loupe.inference.analysis;

/**
 * Attention that a caller made up. Values other than 0 and 1 are weights: with the overlap they
 * weigh the attention, with the absolute measure they are the attention expected.
 *
 * @param size queries, and keys
 * @param values [query, key], row-major
 */
public record CustomPattern(int size, float[] values) implements DetectionPattern {

  /**
   * Checks the values.
   *
   * @throws InvalidMaskException when there is not one for each pair, or one is not finite, or one
   *     above the diagonal is not 0
   */
  public CustomPattern {
    if (size < 1 || values.length != (long) size * size) {
      throw new InvalidMaskException(
          "the mask has %d values; expected %d x %d".formatted(values.length, size, size));
    }
    for (int query = 0; query < size; query++) {
      for (int key = 0; key < size; key++) {
        float value = values[query * size + key];
        if (!Float.isFinite(value)) {
          throw new InvalidMaskException(
              "the mask holds %s at [%d, %d]; expected finite numbers"
                  .formatted(value, query, key));
        }
        if (key > query && value != 0) {
          throw new InvalidMaskException(
              "the mask holds %s at [%d, %d]; expected 0 where the key comes after the query"
                  .formatted(value, query, key));
        }
      }
    }
    values = values.clone();
  }

  @Override
  public float[] on(int[] tokens) {
    if (tokens.length != size) {
      throw new InvalidMaskException(
          "the mask is for %d tokens; the row has %d".formatted(size, tokens.length));
    }
    return values.clone();
  }
}
