package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.AddDirection;
import dev.loupe.proto.inference.v1.ClampFeature;
import dev.loupe.proto.inference.v1.Mean;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads edits. */
public final class Interventions {
  private static final int MOST = 1_000;
  private static final int MOST_PLACES = 10_000;

  private Interventions() {}

  /** Adds the edits to a program, in the order given. */
  public static void compile(
      ServedModel model,
      List<dev.loupe.proto.inference.v1.Intervention> interventions,
      HookProgram.Builder program) {
    Checks.size("interventions", interventions.size(), 0, MOST);
    int places = 0;
    for (int i = 0; i < interventions.size(); i++) {
      String field = "interventions[" + i + "]";
      var message = interventions.get(i);
      try {
        List<HookPoint> points = model.hookPoints().matching(message.getHookPoint());
        places += points.size();
        if (places > MOST_PLACES) {
          throw LoupeException.invalidValue(
              field + ".hook_point",
              message.getHookPoint(),
              "names of at most %d hook points in all interventions".formatted(MOST_PLACES));
        }
        Map<Object, Edit> edits = new HashMap<>();
        for (HookPoint point : points) {
          Edit edit =
              edits.computeIfAbsent(
                  sharing(point, message), key -> edit(model, point, field, message));
          program.intervene(new Intervention(point, selection(message), edit));
        }
      } catch (LoupeException e) {
        throw e;
      } catch (RuntimeException e) {
        throw Located.in(field, DomainErrors.translate(e));
      }
    }
  }

  /**
   * Checks the places that edits select, whether or not the pass gets as far as to make them.
   *
   * @param rows the batch's rows
   */
  public static void checkPlaces(
      List<dev.loupe.proto.inference.v1.Intervention> interventions, List<int[]> rows) {
    for (int i = 0; i < interventions.size(); i++) {
      String field = "interventions[" + i + "]";
      var message = interventions.get(i);
      int shortest = shortest(field, message.getRowsList(), rows);
      for (int position : message.getPositionsList()) {
        if (position < -shortest || position >= shortest) {
          throw LoupeException.of(
                  ErrorReason.POSITION_OUT_OF_RANGE,
                  "%s.positions holds %d; the shortest of its rows has %d tokens, so give %d to %d"
                      .formatted(field, position, shortest, -shortest, shortest - 1))
              .with("field", field + ".positions");
        }
      }
    }
  }

  private static int shortest(String field, List<Integer> selected, List<int[]> rows) {
    int shortest = Integer.MAX_VALUE;
    for (int row : selected) {
      if (row < 0 || row >= rows.size()) {
        throw LoupeException.invalidValue(field + ".rows", row, "0 to " + (rows.size() - 1));
      }
      shortest = Math.min(shortest, rows.get(row).length);
    }
    if (selected.isEmpty()) {
      for (int[] row : rows) {
        shortest = Math.min(shortest, row.length);
      }
    }
    return shortest;
  }

  private static Selection selection(dev.loupe.proto.inference.v1.Intervention message) {
    return new Selection(
        message.getPositionsList(),
        message.getHeadsList(),
        message.getRowsList(),
        message.getNeuronsList());
  }

  /** A kept value is a hook point's own, and scores may be -infinity; all else is one edit. */
  private static Object sharing(
      HookPoint point, dev.loupe.proto.inference.v1.Intervention message) {
    return message.getPatch().hasCached() ? point : point.kind() == HookKind.ATTN_SCORES;
  }

  private static Edit edit(
      ServedModel model,
      HookPoint point,
      String field,
      dev.loupe.proto.inference.v1.Intervention message) {
    return switch (message.getEditCase()) {
      case ZERO -> new Edit.Zero();
      case SCALE -> new Edit.Scale(message.getScale().getFactor());
      case SET -> {
        if (message.getSet().getValuesCount() == 0) {
          throw LoupeException.of(
                  ErrorReason.WRONG_SHAPE,
                  field + ".set.values is empty; give one value, or one for each entry of the axis")
              .with("field", field + ".set.values");
        }
        yield new Edit.SetValue(floats(message.getSet().getValuesList()));
      }
      case ADD_DIRECTION -> addDirection(field, message.getAddDirection());
      case CLAMP_FEATURE -> clamp(field + ".clamp_feature", message.getClampFeature());
      case MEAN -> mean(field, message.getMean());
      case PROJECT_OUT ->
          new Edit.ProjectOut(
              rows(field + ".project_out.directions", message.getProjectOut().getDirections()));
      case SWAP ->
          new Edit.Swap(
              floats(message.getSwap().getFirstList()), floats(message.getSwap().getSecondList()));
      case PATCH -> Patches.of(model, point, field + ".patch", message.getPatch());
      case EDIT_NOT_SET ->
          throw LoupeException.of(
                  ErrorReason.INVALID_VALUE,
                  field
                      + " has no edit; set zero, scale, set, add_direction, clamp_feature, mean,"
                      + " project_out, swap or patch")
              .with("field", field);
    };
  }

  private static Edit addDirection(String field, AddDirection message) {
    float[] direction = floats(message.getDirectionList());
    return switch (message.getUnit()) {
      case DIRECTION_UNIT_UNSPECIFIED, DIRECTION_UNIT_PLAIN ->
          new Edit.AddDirection(direction, message.getCoefficient());
      case DIRECTION_UNIT_ACTIVATION_NORM ->
          new Edit.AddInNorms(direction, message.getCoefficient());
      case UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              field + ".add_direction.unit",
              message.getUnitValue(),
              "DIRECTION_UNIT_PLAIN or DIRECTION_UNIT_ACTIVATION_NORM");
    };
  }

  private static Edit mean(String field, Mean message) {
    if (message.getValuesCount() == 0) {
      return new Edit.BatchMean(message.getEachPosition());
    }
    if (message.getEachPosition()) {
      throw LoupeException.of(
              ErrorReason.INVALID_VALUE,
              field + ".mean has values and each_position; a mean that is given has no positions")
          .with("field", field + ".mean.each_position");
    }
    return new Edit.SetValue(floats(message.getValuesList()));
  }

  private static List<float[]> rows(String field, Tensor message) {
    HostTensor tensor = FloatTensors.matrix(field, message, Patches.BYTES, "[vector, n]");
    float[] flat = tensor.toFloats();
    int width = (int) tensor.shape()[1];
    List<float[]> rows = new ArrayList<>();
    for (int row = 0; row < tensor.shape()[0]; row++) {
      rows.add(Arrays.copyOfRange(flat, row * width, (row + 1) * width));
    }
    return rows;
  }

  private static Edit clamp(String field, ClampFeature message) {
    Edit.Target target =
        switch (message.getTargetCase()) {
          case VALUE -> new Edit.Target.Value(message.getValue());
          case MULTIPLIER -> new Edit.Target.Multiple(message.getMultiplier());
          case TARGET_NOT_SET ->
              throw LoupeException.of(
                      ErrorReason.INVALID_VALUE, field + " has no target; set value or multiplier")
                  .with("field", field);
        };
    return new Edit.ClampFeature(
        floats(message.getEncoderList()),
        message.getEncoderBias(),
        floats(message.getDecoderList()),
        floats(message.getDecoderBiasList()),
        message.getThreshold(),
        target);
  }

  private static float[] floats(List<Float> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }
}
