package dev.loupe.inference.neurons;

/**
 * What a scan keeps.
 *
 * @param topK examples of each unit
 * @param before tokens shown before an example's own
 * @param after tokens shown after it
 * @param onePerRow lets only the strongest position of a row be an example
 * @param skipFirst leaves position 0 of every row out
 * @param histogram counts values by size
 */
public record ScanOptions(
    int topK, int before, int after, boolean onePerRow, boolean skipFirst, boolean histogram) {

  /** Checks the numbers. */
  public ScanOptions {
    if (topK < 1 || before < 0 || after < 0) {
      throw new IllegalArgumentException(
          "top_k %d, before %d and after %d; expected at least 1, 0 and 0"
              .formatted(topK, before, after));
    }
  }

  /** The most tokens that are shown of an example. */
  int window() {
    return before + 1 + after;
  }
}
