package dev.loupe.inference.neurons;

/**
 * Counts of values by size: two buckets for each power of two from 2^-16 to 2^16 on either side of
 * zero, and one for what lies nearer to zero. Values beyond the last bucket count in it.
 */
public final class Histogram {
  /** Buckets of each unit. */
  public static final int BUCKETS = 129;

  private static final int ZERO = BUCKETS / 2;
  private static final int SMALLEST = (127 - 16) << 1; // the half-exponent of 2^-16

  private Histogram() {}

  /** A value's bucket; buckets are in the order of their values. */
  static int bucket(float value) {
    int bits = Float.floatToRawIntBits(value);
    int size = ((bits & Integer.MAX_VALUE) >>> 22) - SMALLEST + 1;
    int clamped = Math.max(0, Math.min(ZERO, size));
    return bits < 0 ? ZERO - clamped : ZERO + clamped;
  }

  /** The least magnitude in a bucket; its sign is the bucket's side. The middle one's is 0. */
  public static float bound(int bucket) {
    int steps = Math.abs(bucket - ZERO);
    if (steps == 0) {
      return 0;
    }
    float magnitude = Float.intBitsToFloat((SMALLEST + steps - 1) << 22);
    return bucket < ZERO ? -magnitude : magnitude;
  }
}
