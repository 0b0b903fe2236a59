package dev.loupe.tensor.grpc;

import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Type, shape and axis names of a tensor on the wire, checked. */
record TensorLayouts(ElementType type, long[] shape, List<String> axes, long bytes) {
  private static final int MAX_AXES = 8;

  static TensorLayout of(LabelledTensor labelled) {
    HostTensor tensor = labelled.tensor();
    TensorLayout.Builder layout = TensorLayout.newBuilder().setDtype(dtype(tensor.type()));
    long[] shape = tensor.shape();
    for (int i = 0; i < shape.length; i++) {
      layout.addAxes(Axis.newBuilder().setName(labelled.axes().get(i)).setSize(shape[i]));
    }
    return layout.build();
  }

  private static DType dtype(ElementType type) {
    return switch (type) {
      case F32 -> DType.DTYPE_F32;
      case F16 -> DType.DTYPE_F16;
      case BF16 -> DType.DTYPE_BF16;
      case I64 -> DType.DTYPE_I64;
      case I32 -> DType.DTYPE_I32;
      default ->
          throw new IllegalArgumentException(type + " has no wire type; convert it to F32 first");
    };
  }

  /**
   * Checks a layout that came over the wire.
   *
   * @param limit largest number of bytes that the reader accepts
   */
  static TensorLayouts check(TensorLayout layout, long limit) {
    ElementType type =
        switch (layout.getDtype()) {
          case DTYPE_F32 -> ElementType.F32;
          case DTYPE_F16 -> ElementType.F16;
          case DTYPE_BF16 -> ElementType.BF16;
          case DTYPE_I64 -> ElementType.I64;
          case DTYPE_I32 -> ElementType.I32;
          default ->
              throw TensorWireException.invalid(
                  "layout.dtype is %s; expected DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_I64 or DTYPE_I32"
                      .formatted(
                          layout.getDtype() == DType.UNRECOGNIZED
                              ? layout.getDtypeValue()
                              : layout.getDtype()));
        };
    if (layout.getAxesCount() > MAX_AXES) {
      throw TensorWireException.invalid(
          "layout has %d axes; expected at most %d".formatted(layout.getAxesCount(), MAX_AXES));
    }
    long[] shape = new long[layout.getAxesCount()];
    List<String> names = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < shape.length; i++) {
      Axis axis = layout.getAxes(i);
      if (axis.getName().isEmpty() || !seen.add(axis.getName())) {
        throw TensorWireException.invalid(
            "layout.axes[%d].name is '%s'; expected a name that no other axis has"
                .formatted(i, axis.getName()));
      }
      if (axis.getSize() < 0) {
        throw TensorWireException.invalid(
            "layout.axes[%d].size is %d; expected 0 or more".formatted(i, axis.getSize()));
      }
      shape[i] = axis.getSize();
      names.add(axis.getName());
    }
    return new TensorLayouts(type, shape, names, bytes(type, shape, limit));
  }

  private static long bytes(ElementType type, long[] shape, long limit) {
    long bytes;
    try {
      bytes = Math.multiplyExact(HostTensor.elements(shape), type.bytes());
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw TensorWireException.tooLarge(Long.MAX_VALUE, limit);
    }
    if (bytes > Math.min(limit, Integer.MAX_VALUE)) {
      throw TensorWireException.tooLarge(bytes, Math.min(limit, Integer.MAX_VALUE));
    }
    return bytes;
  }
}
