package dev.loupe.testkit.golden;

/**
 * One stored array, widened to double.
 *
 * @param shape extents, outermost first
 * @param values row-major
 */
public record GoldenTensor(long[] shape, double[] values) {

  /** The values narrowed to float. */
  public float[] floats() {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  /** The values as integers. */
  public int[] ints() {
    int[] ints = new int[values.length];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = (int) values[i];
    }
    return ints;
  }

  /** The largest finite magnitude. */
  public double largest() {
    double largest = 0;
    for (double value : values) {
      if (Double.isFinite(value)) {
        largest = Math.max(largest, Math.abs(value));
      }
    }
    return largest;
  }
}
