package dev.loupe.standalone.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SeededRandomTest {
  @Test
  void isSplitMix64() {
    // The library's generator is SplitMix64 too: seeded with this one's state it must go on alike.
    long seed = 5;
    long index = 11;
    SeededRandom ours = new SeededRandom(seed, index);
    long first = ours.nextLong();
    SplittableRandom theirs = new SplittableRandom(unmix(first));
    for (int i = 0; i < 100; i++) {
      assertThat(ours.nextLong()).isEqualTo(theirs.nextLong());
    }
  }

  @Test
  void drawsStayInRangeAndReachBothEnds() {
    SeededRandom random = new SeededRandom(1, 2);
    int[] seen = new int[7];
    for (int i = 0; i < 7_000; i++) {
      seen[random.between(3, 9) - 3]++;
    }
    for (int count : seen) {
      assertThat(count).isBetween(800, 1_200);
    }
  }

  @Test
  void boundMustBePositive() {
    assertThatThrownBy(() -> new SeededRandom(1, 2).nextInt(0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** The state whose mixed form a draw was: each step of the mixing can be undone. */
  private static long unmix(long z) {
    z = unshift(z, 31) * inverse(0x94D049BB133111EBL);
    z = unshift(z, 27) * inverse(0xBF58476D1CE4E5B9L);
    return unshift(z, 30);
  }

  private static long unshift(long z, int bits) {
    long result = z;
    for (int i = 0; i < 3; i++) {
      result = z ^ (result >>> bits);
    }
    return result;
  }

  /** The inverse of an odd number modulo 2^64, by Newton's iteration. */
  private static long inverse(long odd) {
    long x = odd;
    for (int i = 0; i < 6; i++) {
      x *= 2 - odd * x;
    }
    return x;
  }
}
