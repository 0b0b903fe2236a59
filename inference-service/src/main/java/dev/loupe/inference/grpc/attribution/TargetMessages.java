package dev.loupe.inference.grpc.attribution;

import dev.loupe.inference.gradients.LinearPlaces;
import dev.loupe.inference.gradients.LinearTarget;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.FloatTensors;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.AttributionTargets;
import dev.loupe.proto.inference.v1.TargetPlace;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Reads batches of targets of linear attributions. */
final class TargetMessages {
  private static final int MAX_TARGETS = 1_024;
  private static final long MAX_BYTES = 4L << 20;

  private final ServedModel model;
  private final int length;

  /**
   * Targets within a row.
   *
   * @param length of the row, in tokens
   */
  TargetMessages(ServedModel model, int length) {
    this.model = model;
    this.length = length;
  }

  List<LinearTarget> read(AttributionTargets message) {
    String field = "batch " + message.getBatchId();
    Checks.size(field + ".places", message.getPlacesCount(), 1, MAX_TARGETS);
    String axes = "[%d, n], a vector for each place".formatted(message.getPlacesCount());
    HostTensor vectors =
        FloatTensors.matrix(field + ".vectors", message.getVectors(), MAX_BYTES, axes);
    long[] shape = vectors.shape();
    if (shape[0] != message.getPlacesCount()) {
      throw FloatTensors.wrongShape(field + ".vectors", vectors, axes);
    }
    float[] flat = vectors.toFloats();
    List<LinearTarget> targets = new ArrayList<>();
    int width = (int) shape[1];
    for (int i = 0; i < shape[0]; i++) {
      String place = "%s.places[%d]".formatted(field, i);
      float[] vector = Arrays.copyOfRange(flat, i * width, (i + 1) * width);
      targets.add(target(place, message.getPlaces(i), vector));
    }
    return targets;
  }

  private LinearTarget target(String field, TargetPlace place, float[] vector) {
    HookPoint point = DomainErrors.translated(() -> model.hookPoints().named(place.getHookPoint()));
    int position = place.getPosition();
    int absolute = position < 0 ? length + position : position;
    if (absolute < 0 || absolute >= length) {
      throw LoupeException.invalid(
          ErrorReason.POSITION_OUT_OF_RANGE,
          field + ".position",
          position,
          "%d to %d".formatted(-length, length - 1));
    }
    LinearTarget target = new LinearTarget(point, absolute, vector);
    DomainErrors.translated(
        () -> {
          LinearPlaces.checkTarget(model.config(), length, target);
          return null;
        });
    return target;
  }
}
