package dev.loupe.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HalfFloatsTest {

  /** The value of binary16 bits by the definition in IEEE 754. */
  private static double half(int bits) {
    int exponent = (bits >> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    double sign = (bits & 0x8000) == 0 ? 1 : -1;
    if (exponent == 0x1f) {
      return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    return exponent == 0
        ? sign * fraction * Math.pow(2, -24)
        : sign * (1 + fraction / 1024.0) * Math.pow(2, exponent - 15);
  }

  @Test
  void everyHalfIsWidenedExactlyAndComesBack() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float wide = HalfFloats.fromHalf((short) bits);
      double expected = half(bits);
      if (Double.isNaN(expected)) {
        assertThat(wide).isNaN();
        assertThat(HalfFloats.fromHalf(HalfFloats.toHalf(wide))).isNaN();
      } else {
        assertThat(Double.compare(wide, expected)).as("bits %x", bits).isZero();
        assertThat(HalfFloats.toHalf(wide)).as("bits %x", bits).isEqualTo((short) bits);
      }
    }
  }

  @Test
  void halvesAreRoundedToTheNearestAndTiesToEven() {
    for (int bits = 0; bits < 0x7bff; bits++) {
      float low = HalfFloats.fromHalf((short) bits);
      float high = HalfFloats.fromHalf((short) (bits + 1));
      float middle = (low + high) / 2;
      int even = (bits & 1) == 0 ? bits : bits + 1;
      assertThat(HalfFloats.toHalf(middle)).as("bits %x", bits).isEqualTo((short) even);
      assertThat(HalfFloats.toHalf(Math.nextUp(middle))).isEqualTo((short) (bits + 1));
      assertThat(HalfFloats.toHalf(Math.nextDown(middle))).isEqualTo((short) bits);
    }
    assertThat(HalfFloats.fromHalf(HalfFloats.toHalf(1e6f))).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(HalfFloats.fromHalf(HalfFloats.toHalf(-65520f))).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(HalfFloats.fromHalf(HalfFloats.toHalf(65519f))).isEqualTo(65504f);
  }

  @Test
  void bfloat16IsTheUpperHalfOfAFloatRoundedToEven() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float wide = HalfFloats.fromBfloat16((short) bits);
      if (Float.isNaN(wide)) {
        assertThat(HalfFloats.fromBfloat16(HalfFloats.toBfloat16(wide))).isNaN();
      } else {
        assertThat(Float.floatToRawIntBits(wide)).isEqualTo(bits << 16);
        assertThat(HalfFloats.toBfloat16(wide)).isEqualTo((short) bits);
      }
    }
    assertThat(HalfFloats.toBfloat16(Float.intBitsToFloat(0x3f808000))).isEqualTo((short) 0x3f80);
    assertThat(HalfFloats.toBfloat16(Float.intBitsToFloat(0x3f818000))).isEqualTo((short) 0x3f82);
    assertThat(HalfFloats.toBfloat16(Float.intBitsToFloat(0x3f808001))).isEqualTo((short) 0x3f81);
  }
}
