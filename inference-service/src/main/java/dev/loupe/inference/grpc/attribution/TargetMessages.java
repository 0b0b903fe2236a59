package dev.loupe.inference.grpc.attribution;

import dev.loupe.inference.gradients.LinearPlaces;
import dev.loupe.inference.gradients.LinearTarget;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.AttributionTargets;
import dev.loupe.proto.inference.v1.TargetPlace;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorMessages;
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
    LabelledTensor vectors =
        DomainErrors.translated(() -> TensorMessages.fromMessage(message.getVectors(), MAX_BYTES));
    long[] shape = vectors.tensor().shape();
    if (vectors.tensor().type() != ElementType.F32
        || shape.length != 2
        || shape[0] != message.getPlacesCount()) {
      throw LoupeException.of(
              ErrorReason.WRONG_SHAPE,
              "%s.vectors is %s %s; expected F32 [%d, n], a vector for each place"
                  .formatted(
                      field,
                      vectors.tensor().type(),
                      Arrays.toString(shape),
                      message.getPlacesCount()))
          .with("field", field + ".vectors");
    }
    float[] flat = vectors.tensor().toFloats();
    for (float value : flat) {
      Checks.finite(field + ".vectors", value);
    }
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
