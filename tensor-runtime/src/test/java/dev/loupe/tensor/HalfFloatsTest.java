package dev.loupe.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.util.List;
import java.util.SplittableRandom;
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

  /** The nearest of all finite values and infinity, the even one of two, by looking at each. */
  private static short slowHalf(float value) {
    if (Float.isNaN(value)) {
      return 0x7e00;
    }
    double magnitude = Math.abs((double) value);
    int best = 0;
    double smallest = Double.POSITIVE_INFINITY;
    for (int bits = 0; bits <= 0x7c00; bits++) {
      // Rounding treats infinity as the next step after the largest finite value.
      double distance = Math.abs(magnitude - (bits == 0x7c00 ? 65536 : half(bits)));
      if (distance < smallest || (distance == smallest && (bits & 1) == 0)) {
        smallest = distance;
        best = bits;
      }
    }
    int sign = (Float.floatToRawIntBits(value) >>> 16) & 0x8000;
    return (short) (sign | (magnitude > 65536 ? 0x7c00 : best));
  }

  /** Numbers of every size, and all that are special. */
  private static float[] samples(int count) {
    SplittableRandom random = new SplittableRandom(3);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] =
          switch (i % 4) {
            case 0 -> Float.intBitsToFloat(random.nextInt());
            case 1 -> (float) random.nextDouble(-1e-4, 1e-4);
            case 2 -> (float) random.nextDouble(-70_000, 70_000);
            default -> (float) random.nextDouble(-4, 4);
          };
    }
    float[] special = {
      0f,
      -0f,
      Float.NaN,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      65519.99f,
      65520f,
      0x1p-24f,
      0x1p-25f,
      0x1.8p-25f,
      0x1p-14f,
      Math.nextDown(0x1p-14f),
      Float.MIN_VALUE,
      Float.MAX_VALUE,
      Float.intBitsToFloat(0x7f800001),
      Float.intBitsToFloat(0xffffffff)
    };
    System.arraycopy(special, 0, values, 0, special.length);
    return values;
  }

  @Test
  void roundingFindsTheNearestOfAllHalves() {
    for (float value : samples(2_000)) {
      short expected = slowHalf(value);
      short actual = HalfFloats.toHalf(value);
      if (Float.isNaN(value)) {
        assertThat(HalfFloats.fromHalf(actual)).isNaN();
      } else {
        assertThat(actual).as("%s", value).isEqualTo(expected);
      }
    }
  }

  @Test
  void manyAtOnceAreConvertedLikeOne() {
    float[] values = samples(100_003); // more than a block, and not a multiple of one
    HostTensor wide = HostTensor.ofFloats(values, values.length);
    ShortBuffer halves = wide.as(ElementType.F16).data().asShortBuffer();
    ShortBuffer bfloats = wide.as(ElementType.BF16).data().asShortBuffer();
    for (int i = 0; i < values.length; i++) {
      assertThat(halves.get(i)).isEqualTo(HalfFloats.toHalf(values[i]));
      assertThat(bfloats.get(i)).isEqualTo(HalfFloats.toBfloat16(values[i]));
    }
  }

  @Test
  void everyNumberOfSixteenBitsComesBackWhenAllGoAtOnce() {
    ByteBuffer all = ByteBuffer.allocate(2 * 0x10000).order(ByteOrder.LITTLE_ENDIAN);
    for (int bits = 0; bits < 0x10000; bits++) {
      all.putShort((short) bits);
    }
    for (ElementType type : List.of(ElementType.F16, ElementType.BF16)) {
      HostTensor narrow = new HostTensor(type, new long[] {0x10000}, all.duplicate().flip());
      float[] values = narrow.toFloats();
      HostTensor back = narrow.toF32().as(type);
      for (int bits = 0; bits < 0x10000; bits++) {
        float expected =
            type == ElementType.F16 ? (float) half(bits) : Float.intBitsToFloat(bits << 16);
        if (Float.isNaN(expected)) {
          assertThat(values[bits]).isNaN();
          assertThat(back.floatAt(bits)).isNaN();
        } else {
          assertThat(Float.compare(values[bits], expected)).as("%s %x", type, bits).isZero();
          assertThat(back.data().getShort(2 * bits)).isEqualTo((short) bits);
        }
      }
    }
  }
}
