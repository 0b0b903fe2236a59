package dev.loupe.sae.dictionary;

/**
 * A learned array of a dictionary, as the optimiser sees it. The array is the dictionary's own:
 * after writing into it, call {@link Dictionary#settle()}.
 *
 * @param name unique within the dictionary
 * @param values the elements, in the dictionary's own order
 */
public record Parameter(String name, float[] values) {

  /** True when no element is infinite or not a number. */
  public boolean isFinite() {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Parameter that && name.equals(that.name) && values == that.values;
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }

  @Override
  public String toString() {
    return "Parameter[" + name + ", " + values.length + "]";
  }
}
