package dev.loupe.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A dense tensor in host memory: element type, shape, and row-major little-endian bytes.
 *
 * @param type what each element is
 * @param shape extents, outermost first; empty for a scalar
 * @param data exactly the tensor's bytes, from position 0 to the limit; treat it as read-only
 */
public record HostTensor(ElementType type, long[] shape, ByteBuffer data) {

  /** Takes its own copy of the shape and a little-endian view of the data. */
  public HostTensor {
    shape = shape.clone();
    data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
    long expected = Math.multiplyExact(elements(shape), type.bytes());
    if (data.remaining() != expected) {
      throw new IllegalArgumentException(
          "data has %d bytes, but shape %s of %s takes %d"
              .formatted(data.remaining(), Arrays.toString(shape), type, expected));
    }
  }

  /** An F32 tensor with a copy of the values; fails when their number is not the shape's. */
  public static HostTensor ofFloats(float[] values, long... shape) {
    ByteBuffer data = EngineMemory.allocate(Math.multiplyExact(values.length, 4));
    data.asFloatBuffer().put(values);
    return new HostTensor(ElementType.F32, shape, data);
  }

  /** An I64 tensor with a copy of the values; fails when their number is not the shape's. */
  public static HostTensor ofLongs(long[] values, long... shape) {
    ByteBuffer data = EngineMemory.allocate(Math.multiplyExact(values.length, 8));
    data.asLongBuffer().put(values);
    return new HostTensor(ElementType.I64, shape, data);
  }

  /**
   * The number of elements in a shape.
   *
   * @throws IllegalArgumentException when an extent is negative or the product leaves a long
   */
  public static long elements(long[] shape) {
    long count = 1;
    for (long extent : shape) {
      if (extent < 0) {
        throw new IllegalArgumentException("negative extent in shape " + Arrays.toString(shape));
      }
      try {
        count = Math.multiplyExact(count, extent);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException("shape " + Arrays.toString(shape) + " is too large", e);
      }
    }
    return count;
  }

  /** Elements in all. */
  public long elements() {
    return elements(shape);
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** A view of the bytes with its own position, little-endian. */
  @Override
  public ByteBuffer data() {
    return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** One element widened to float, by its row-major index; I64 and F64 are rounded. */
  public float floatAt(int index) {
    return switch (type) {
      case F64 -> (float) data.getDouble(index * 8);
      case F32 -> data.getFloat(index * 4);
      case F16 -> HalfFloats.fromHalf(data.getShort(index * 2));
      case BF16 -> HalfFloats.fromBfloat16(data.getShort(index * 2));
      case I64 -> data.getLong(index * 8);
      case I32 -> data.getInt(index * 4);
      case U8 -> data.get(index) & 0xff;
      case BOOL -> data.get(index) == 0 ? 0f : 1f;
    };
  }

  /** All elements widened to float, row-major. */
  public float[] toFloats() {
    float[] values = new float[Math.toIntExact(elements())];
    floatsInto(values);
    return values;
  }

  /** Puts all elements, widened to float, row-major, into an array of their number. */
  void floatsInto(float[] values) {
    if (type == ElementType.F32) {
      data().asFloatBuffer().get(values);
    } else if (type == ElementType.F16 || type == ElementType.BF16) {
      HalfFloats.widen(data().asShortBuffer(), values, type);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = floatAt(i);
      }
    }
  }

  /**
   * All elements of an integer tensor, row-major.
   *
   * @throws IllegalStateException when the elements are not integers
   */
  public long[] toLongs() {
    long[] values = new long[Math.toIntExact(elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case I64 -> data.getLong(i * 8);
            case I32 -> data.getInt(i * 4);
            case U8 -> data.get(i) & 0xff;
            case BOOL -> data.get(i) == 0 ? 0 : 1;
            default -> throw new IllegalStateException(type + " elements are not integers");
          };
    }
    return values;
  }

  /** This tensor as F32: itself when it is, else a widened copy. */
  public HostTensor toF32() {
    return type == ElementType.F32 ? this : ofFloats(toFloats(), shape);
  }

  /** The same values narrowed or widened to another floating-point type; rounds to nearest even. */
  public HostTensor as(ElementType target) {
    if (target == type) {
      return this;
    }
    int count = Math.toIntExact(elements());
    ByteBuffer out = EngineMemory.allocate(Math.multiplyExact(count, target.bytes()));
    boolean narrows = target == ElementType.F16 || target == ElementType.BF16;
    if (type == ElementType.F32 && narrows) {
      HalfFloats.narrow(data().asIntBuffer(), out.asShortBuffer(), target);
      return new HostTensor(target, shape, out);
    }
    for (int i = 0; i < count; i++) {
      float value = floatAt(i);
      switch (target) {
        case F64 -> out.putDouble(value);
        case F32 -> out.putFloat(value);
        case F16 -> out.putShort(HalfFloats.toHalf(value));
        case BF16 -> out.putShort(HalfFloats.toBfloat16(value));
        default ->
            throw new IllegalArgumentException(
                "cannot convert " + type + " to " + target + "; choose F64, F32, F16 or BF16");
      }
    }
    return new HostTensor(target, shape, out.flip());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof HostTensor that
        && type == that.type
        && Arrays.equals(shape, that.shape)
        && data.equals(that.data);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * type.hashCode() + Arrays.hashCode(shape)) + data.hashCode();
  }

  @Override
  public String toString() {
    return "HostTensor[" + type + " " + Arrays.toString(shape) + "]";
  }
}
