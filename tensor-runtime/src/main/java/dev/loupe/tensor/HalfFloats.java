package dev.loupe.tensor;

import java.nio.IntBuffer;
import java.nio.ShortBuffer;

/**
 * The two 16-bit floating-point formats, widened and narrowed bit by bit in Java: DJL's own
 * conversion to bfloat16 ends the process.
 */
public final class HalfFloats {
  private static final int BLOCK = 4096;
  private static final int SMALLEST_NORMAL_HALF = 0x38800000; // 2^-14
  private static final int ROUNDS_TO_INFINITY = 0x477ff000; // 65520

  private HalfFloats() {}

  /** The value of an IEEE 754 binary16 number given as its bits; exact. */
  public static float fromHalf(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = (bits >>> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int wide = exponent == 0x1f ? 0xff : exponent + 112;
    return Float.intBitsToFloat(sign | (wide << 23) | (fraction << 13));
  }

  /** The nearest binary16 bits, ties to even; what is too large becomes infinite. */
  public static short toHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= ROUNDS_TO_INFINITY) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < SMALLEST_NORMAL_HALF) {
      // Below the smallest normal half: a multiple of 2^-24, and rint rounds ties to even.
      int steps = (int) Math.rint(Float.intBitsToFloat(magnitude) * 0x1p24);
      return (short) (sign | steps);
    }
    int rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return (short) (sign | ((rounded - 0x38000000) >>> 13));
  }

  /** The value of a bfloat16 number given as its bits; exact. */
  public static float fromBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** The nearest bfloat16 bits, ties to even. */
  public static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /**
   * Rounds many float32 numbers to 16 bits, as {@link #toHalf} and {@link #toBfloat16} do.
   *
   * @param from the bits of float32 numbers; all that remain are taken
   * @param type F16 or BF16
   */
  static void narrow(IntBuffer from, ShortBuffer to, ElementType type) {
    int[] wide = new int[Math.min(BLOCK, from.remaining())];
    short[] narrow = new short[wide.length];
    while (from.hasRemaining()) {
      int count = Math.min(wide.length, from.remaining());
      from.get(wide, 0, count);
      if (type == ElementType.BF16) {
        narrowToBfloat16(wide, narrow, count);
      } else {
        narrowToHalf(wide, narrow, count);
      }
      to.put(narrow, 0, count);
    }
  }

  /** Widens many 16-bit numbers: all that remain. */
  static void widen(ShortBuffer from, float[] to, ElementType type) {
    short[] narrow = new short[Math.min(BLOCK, from.remaining())];
    for (int at = 0; from.hasRemaining(); ) {
      int count = Math.min(narrow.length, from.remaining());
      from.get(narrow, 0, count);
      if (type == ElementType.BF16) {
        for (int i = 0; i < count; i++) {
          to[at + i] = Float.intBitsToFloat(narrow[i] << 16);
        }
      } else {
        for (int i = 0; i < count; i++) {
          to[at + i] = fromHalf(narrow[i]);
        }
      }
      at += count;
    }
  }

  private static void narrowToHalf(int[] wide, short[] narrow, int count) {
    for (int i = 0; i < count; i++) {
      int bits = wide[i];
      int magnitude = bits & 0x7fffffff;
      if (magnitude >= SMALLEST_NORMAL_HALF && magnitude < ROUNDS_TO_INFINITY) {
        int rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
        narrow[i] = (short) (((bits >>> 16) & 0x8000) | ((rounded - 0x38000000) >>> 13));
      } else {
        narrow[i] = toHalf(Float.intBitsToFloat(bits));
      }
    }
  }

  /** Without a branch, so that it runs in vector registers; a NaN is kept one by its mask. */
  private static void narrowToBfloat16(int[] wide, short[] narrow, int count) {
    for (int i = 0; i < count; i++) {
      int bits = wide[i];
      int nan = (0x7f800000 - (bits & 0x7fffffff)) >> 31; // all ones for a NaN, else 0
      int rounded = bits + 0x7fff + ((bits >>> 16) & 1);
      int kept = bits | 0x400000;
      narrow[i] = (short) (((rounded & ~nan) | (kept & nan)) >>> 16);
    }
  }
}
