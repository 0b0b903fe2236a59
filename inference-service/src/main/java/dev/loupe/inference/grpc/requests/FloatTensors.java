package dev.loupe.inference.grpc.requests;

import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import java.util.Arrays;

/** Reads tensors of numbers that requests hold: F32, F16 or BF16 on the wire, F32 from here on. */
public final class FloatTensors {
  private FloatTensors() {}

  /**
   * A tensor's values in F32.
   *
   * @param limit largest number of data bytes to accept
   * @param axes what the shape shall be, for errors, such as {@code [vector, n]}
   * @throws LoupeException that names the field
   */
  public static HostTensor read(String field, Tensor message, long limit, String axes) {
    if (!message.hasLayout()) {
      throw LoupeException.of(ErrorReason.WRONG_SHAPE, field + " is empty; give " + accepted(axes))
          .with("field", field);
    }
    HostTensor tensor;
    try {
      tensor = TensorMessages.fromMessage(message, limit).tensor();
    } catch (RuntimeException e) {
      throw Located.at(field, DomainErrors.translate(e));
    }
    if (!isAccepted(tensor.type())) {
      throw wrongShape(field, tensor, axes);
    }
    return tensor.toF32();
  }

  /** A matrix with at least one row and one column, its values finite. */
  public static HostTensor matrix(String field, Tensor message, long limit, String axes) {
    HostTensor tensor = read(field, message, limit, axes);
    long[] shape = tensor.shape();
    if (shape.length != 2 || shape[0] < 1 || shape[1] < 1) {
      throw wrongShape(field, tensor, axes);
    }
    float[] values = tensor.toFloats();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        Checks.finite("%s[%d, %d]".formatted(field, i / shape[1], i % shape[1]), values[i]);
      }
    }
    return tensor;
  }

  /** True for the types in which numbers may travel. */
  public static boolean isAccepted(ElementType type) {
    return type == ElementType.F32 || type == ElementType.F16 || type == ElementType.BF16;
  }

  /** The error for a tensor that does not fit. */
  public static LoupeException wrongShape(String field, HostTensor tensor, String axes) {
    return LoupeException.of(
            ErrorReason.WRONG_SHAPE,
            "%s is %s %s; give %s"
                .formatted(field, tensor.type(), Arrays.toString(tensor.shape()), accepted(axes)))
        .with("field", field);
  }

  private static String accepted(String axes) {
    return "F32, F16 or BF16 " + axes;
  }
}
