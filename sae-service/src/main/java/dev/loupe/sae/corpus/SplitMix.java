package dev.loupe.sae.corpus;

/**
 * SplitMix64 (Steele, Lea and Flood 2014): a generator whose whole state is one number, so that a
 * checkpoint can hold it, and whose sequence is the same on every machine and Java version.
 */
public final class SplitMix {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  /** Starts from a seed, or goes on from a {@link #state}. */
  public SplitMix(long state) {
    this.state = state;
  }

  /** What the next numbers depend on. */
  public long state() {
    return state;
  }

  /** 64 random bits. */
  public long nextLong() {
    state += GAMMA;
    return mix(state);
  }

  /** Uniform in [0, bound). */
  public int nextInt(int bound) {
    // The high half of a 64 x 32 bit product; its bias is below 2^-32.
    return (int) (((nextLong() >>> 32) * bound) >>> 32);
  }

  /** Uniform in [0, 1). */
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1.0p-53;
  }

  /** Normal with mean 0 and variance 1 (Box and Muller). */
  public double nextGaussian() {
    double radius = Math.sqrt(-2 * StrictMath.log(1 - nextDouble()));
    return radius * StrictMath.cos(2 * Math.PI * nextDouble());
  }

  /** A number that looks unrelated to its neighbours'. */
  public static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
