package dev.loupe.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Crossing between engine arrays and host tensors. */
public final class NdArrays {
  private NdArrays() {}

  /**
   * An array over the tensor's own memory when it is direct F32, F64, I64, I32, U8 or BOOL data
   * that begins where {@link EngineMemory} would; else over a copy. 16-bit types are widened to
   * F32. The array keeps the memory alive; never write into either while both are used.
   */
  public static NDArray of(NDManager manager, HostTensor tensor) {
    HostTensor source = widened(tensor);
    ByteBuffer data = isUsable(source) ? source.data() : EngineMemory.copyOf(source.data());
    return manager.create(data, new Shape(source.shape()), dataType(source.type()));
  }

  /** An F32 array of a copy of the values, row-major. */
  public static NDArray of(NDManager manager, float[] values, Shape shape) {
    return of(manager, HostTensor.ofFloats(values, shape.getShape()));
  }

  /** An F32 vector of a copy of the values. */
  public static NDArray of(NDManager manager, float[] values) {
    return of(manager, values, new Shape(values.length));
  }

  /** True when the engine can use the tensor's memory as it is. */
  private static boolean isUsable(HostTensor tensor) {
    return tensor.data().isDirect() && EngineMemory.isAtLine(tensor.data());
  }

  /** Fills memory, little-endian, from position 0 to the limit. */
  @FunctionalInterface
  public interface Filling {
    void fill(ByteBuffer memory) throws IOException;
  }

  /**
   * An F32 array that owns its memory, which is filled in place: on the CPU no other copy is made.
   *
   * @param shape of fewer than 2^29 elements
   */
  public static NDArray filled(NDManager manager, Shape shape, Filling filling) throws IOException {
    if (manager.getDevice().isGpu()) {
      int bytes = Math.toIntExact(Math.multiplyExact(4, shape.size()));
      ByteBuffer memory = EngineMemory.allocate(bytes);
      filling.fill(memory);
      return manager.create(memory.rewind(), shape, DataType.FLOAT32);
    }
    NDArray array = manager.create(shape, DataType.FLOAT32);
    try {
      filling.fill(array.toByteBuffer(true).order(ByteOrder.LITTLE_ENDIAN));
      return array;
    } catch (IOException | RuntimeException e) {
      array.close();
      throw e;
    }
  }

  /**
   * The array's values as a host tensor that shares the array's memory where it is contiguous and
   * on the CPU: valid only while the array is open.
   */
  public static HostTensor view(NDArray array) {
    return new HostTensor(
        elementType(array.getDataType()), array.getShape().getShape(), array.toByteBuffer(true));
  }

  /** The array's values as a host tensor of its own. */
  public static HostTensor copy(NDArray array) {
    HostTensor view = view(array);
    return new HostTensor(view.type(), view.shape(), EngineMemory.copyOf(view.data()));
  }

  /** A float array's values, row-major. */
  public static float[] floats(NDArray array) {
    return view(array).toFloats();
  }

  private static HostTensor widened(HostTensor tensor) {
    return switch (tensor.type()) {
      case F16, BF16 -> tensor.toF32();
      default -> tensor;
    };
  }

  private static DataType dataType(ElementType type) {
    return switch (type) {
      case F64 -> DataType.FLOAT64;
      case F32, F16, BF16 -> DataType.FLOAT32;
      case I64 -> DataType.INT64;
      case I32 -> DataType.INT32;
      case U8 -> DataType.UINT8;
      case BOOL -> DataType.BOOLEAN;
    };
  }

  private static ElementType elementType(DataType type) {
    return switch (type) {
      case FLOAT64 -> ElementType.F64;
      case FLOAT32 -> ElementType.F32;
      case INT64 -> ElementType.I64;
      case INT32 -> ElementType.I32;
      case UINT8 -> ElementType.U8;
      case BOOLEAN -> ElementType.BOOL;
      default ->
          throw new IllegalArgumentException("arrays of " + type + " do not leave the engine");
    };
  }
}
