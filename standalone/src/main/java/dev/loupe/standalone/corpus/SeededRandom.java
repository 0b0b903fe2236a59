package dev.loupe.standalone.corpus;

/**
 * SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014),
 * spelled out here so that a corpus is the same on every JVM whatever the library's generators
 * become.
 */
public final class SeededRandom {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  /** A generator that depends on both numbers; neighbours of {@code index} are unrelated. */
  public SeededRandom(long seed, long index) {
    this.state = mix(seed + GAMMA) ^ mix(index * GAMMA + 0x632BE59BD9B4E019L);
  }

  /** The next 64 random bits. */
  public long nextLong() {
    state += GAMMA;
    return mix(state);
  }

  /**
   * An integer in [0, bound).
   *
   * @throws IllegalArgumentException if {@code bound} is not positive
   */
  public int nextInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("bound must be positive, was " + bound);
    }
    return (int) (((nextLong() >>> 32) * bound) >>> 32);
  }

  /** An integer in [low, high], both ends included. */
  public int between(int low, int high) {
    return low + nextInt(high - low + 1);
  }

  /** A number in [0, 1). */
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1.0p-53;
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
