package dev.loupe.inference.grpc;

import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.Tensor;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.stream.Collectors;

/** Reads activations as a client would. */
final class Activations {
  private Activations() {}

  static Map<String, Tensor> byName(RunForwardPassResponse response) {
    return response.getActivationsList().stream()
        .collect(Collectors.toMap(CapturedActivation::getHookPoint, CapturedActivation::getValue));
  }

  static float[] floats(Tensor tensor) {
    return floats(tensor.getData().toByteArray());
  }

  static float[] floats(byte[] bytes) {
    float[] values = new float[bytes.length / 4];
    java.nio.ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  static long[] shape(Tensor tensor) {
    return tensor.getLayout().getAxesList().stream().mapToLong(Axis::getSize).toArray();
  }

  static Map<String, Long> axes(Tensor tensor) {
    return tensor.getLayout().getAxesList().stream()
        .collect(Collectors.toMap(Axis::getName, Axis::getSize));
  }
}
