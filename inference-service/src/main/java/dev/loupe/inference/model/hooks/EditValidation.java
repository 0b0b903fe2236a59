package dev.loupe.inference.model.hooks;

import static dev.loupe.inference.model.hooks.InvalidInterventionException.Kind.NOT_FINITE;
import static dev.loupe.inference.model.hooks.InvalidInterventionException.Kind.OUT_OF_RANGE;
import static dev.loupe.inference.model.hooks.InvalidInterventionException.Kind.WRONG_SHAPE;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import java.util.Arrays;
import java.util.List;

/** Checks an intervention against its hook point's shape, before any pass. */
final class EditValidation {
  private static final int MOST_DIRECTIONS = 64;

  /** Below this distance of a cosine from 1, floats cannot tell two directions apart. */
  private static final double PARALLEL = 1e-9;

  private final GptConfig config;
  private final HookPoint point;

  private EditValidation(GptConfig config, HookPoint point) {
    this.config = config;
    this.point = point;
  }

  static void check(GptConfig config, Intervention intervention) {
    new EditValidation(config, intervention.point()).check(intervention);
  }

  private void check(Intervention intervention) {
    Selection selection = intervention.selection();
    if (!selection.heads().isEmpty() && point.kind().headAxis() < 0) {
      throw new InvalidInterventionException(
          WRONG_SHAPE, "heads", "heads are given, but %s has no head axis".formatted(point));
    }
    for (int head : selection.heads()) {
      if (head < 0 || head >= config.heads()) {
        throw new InvalidInterventionException(
            OUT_OF_RANGE,
            "heads",
            "heads holds %d; expected 0 to %d".formatted(head, config.heads() - 1));
      }
    }
    int last = lastAxis();
    for (int neuron : selection.neurons()) {
      if (neuron < 0 || neuron >= last) {
        throw new InvalidInterventionException(
            OUT_OF_RANGE,
            "neurons",
            "neurons holds %d; expected 0 to %d, along the last axis of %s"
                .formatted(neuron, last - 1, point));
      }
    }
    boolean allHeads = selection.heads().isEmpty();
    Edit edit = intervention.edit();
    if (edit instanceof Edit.Scale scale) {
      finite("factor", scale.factor());
    } else if (edit instanceof Edit.SetValue set) {
      for (float value : set.values()) {
        if (!point.kind().mayHold(value)) {
          finite("values", set.values());
        }
      }
      if (set.values().length != 1) {
        length("values", set.values(), allHeads);
      }
    } else if (edit instanceof Edit.AddDirection add) {
      finite("coefficient", add.coefficient());
      finite("direction", add.direction());
      length("direction", add.direction(), allHeads);
    } else if (edit instanceof Edit.AddInNorms add) {
      finite("coefficient", add.coefficient());
      direction("direction", add.direction(), allHeads);
    } else if (edit instanceof Edit.ProjectOut out) {
      check(out, allHeads);
    } else if (edit instanceof Edit.Swap swap) {
      check(swap, allHeads);
    } else if (edit instanceof Edit.Patch patch) {
      check(patch, selection);
    } else if (edit instanceof Edit.ClampFeature clamp) {
      check(clamp, allHeads);
    }
  }

  private void check(Edit.ProjectOut out, boolean allHeads) {
    int count = out.directions().size();
    if (count < 1 || count > MOST_DIRECTIONS) {
      throw new InvalidInterventionException(
          WRONG_SHAPE,
          "directions",
          "directions has %d vectors; expected 1 to %d".formatted(count, MOST_DIRECTIONS));
    }
    for (float[] direction : out.directions()) {
      direction("directions", direction, allHeads);
      if (direction.length != out.directions().get(0).length) {
        throw new InvalidInterventionException(
            WRONG_SHAPE, "directions", "directions are of different lengths");
      }
    }
  }

  private void check(Edit.Swap swap, boolean allHeads) {
    direction("first", swap.first(), allHeads);
    direction("second", swap.second(), allHeads);
    if (swap.first().length != swap.second().length) {
      throw new InvalidInterventionException(
          WRONG_SHAPE,
          "second",
          "second has %d values; expected %d, as many as first"
              .formatted(swap.second().length, swap.first().length));
    }
    double cosine = VectorMaps.cosine(swap.first(), swap.second());
    if (Math.abs(cosine) > 1 - PARALLEL) {
      throw new InvalidInterventionException(
          OUT_OF_RANGE,
          "second",
          "second is parallel to first (cosine %.9f), so there is no plane to swap them in"
              .formatted(cosine));
    }
  }

  private void check(Edit.Patch patch, Selection selection) {
    int sources = patch.sourcePositions().size();
    if (sources != 0 && sources != selection.positions().size()) {
      throw new InvalidInterventionException(
          WRONG_SHAPE,
          "source_positions",
          "source_positions has %d entries; expected none, or %d, as many as positions"
              .formatted(sources, selection.positions().size()));
    }
    if (patch.source() instanceof Edit.Source.Row row) {
      if (row.row() < 0) {
        throw new InvalidInterventionException(
            OUT_OF_RANGE,
            "row",
            "the patch comes from row %d; expected 0 or more".formatted(row.row()));
      }
      return;
    }
    HostTensor given = ((Edit.Source.Given) patch.source()).value();
    List<HookAxis> axes = point.kind().axes().subList(1, point.kind().axes().size());
    long[] shape = given.shape();
    boolean fits = given.type() == ElementType.F32 && shape.length == axes.size();
    for (int i = 0; fits && i < shape.length; i++) {
      int size = axes.get(i).size(config);
      fits = size == 0 ? shape[i] >= 1 && shape[i] <= config.contextLength() : shape[i] == size;
    }
    if (!fits) {
      throw new InvalidInterventionException(
          WRONG_SHAPE,
          "value",
          "the patch is %s %s; %s takes F32 %s"
              .formatted(
                  given.type(),
                  Arrays.toString(shape),
                  point,
                  axes.stream().map(this::sized).toList()));
    }
  }

  private String sized(HookAxis axis) {
    return axis.size(config) == 0 ? axis.label() : axis.label() + "=" + axis.size(config);
  }

  private int lastAxis() {
    List<HookAxis> axes = point.kind().axes();
    int size = axes.get(axes.size() - 1).size(config);
    return size == 0 ? config.contextLength() : size;
  }

  private void direction(String field, float[] vector, boolean allHeads) {
    finite(field, vector);
    length(field, vector, allHeads);
    if (VectorMaps.length(vector) == 0) {
      throw new InvalidInterventionException(
          OUT_OF_RANGE, field, field + " is zero; expected a vector that points somewhere");
    }
  }

  private void check(Edit.ClampFeature clamp, boolean allHeads) {
    finite("encoder", clamp.encoder());
    finite("encoder_bias", clamp.encoderBias());
    finite("decoder", clamp.decoder());
    finite("decoder_bias", clamp.decoderBias());
    finite("threshold", clamp.threshold());
    length("encoder", clamp.encoder(), allHeads);
    same("decoder", clamp.decoder(), clamp.encoder());
    if (clamp.decoderBias().length > 0) {
      same("decoder_bias", clamp.decoderBias(), clamp.encoder());
    }
    if (clamp.target() instanceof Edit.Target.Value value) {
      finite("value", value.activation());
    } else if (clamp.target() instanceof Edit.Target.Multiple multiple) {
      finite("multiplier", multiple.factor());
    }
  }

  private void length(String field, float[] vector, boolean allHeads) {
    List<HookAxis> axes = point.kind().axes();
    if (point.kind().isAttentionMap()) {
      throw new InvalidInterventionException(
          WRONG_SHAPE,
          field,
          "%s is a vector, but the last axis of %s is as long as the row; expected zero, scale or a single value"
              .formatted(field, point));
    }
    int last = axes.get(axes.size() - 1).size(config);
    boolean flattened =
        allHeads && point.kind().headAxis() >= 0 && last * config.heads() == vector.length;
    if (vector.length != last && !flattened) {
      throw new InvalidInterventionException(
          WRONG_SHAPE,
          field,
          "%s has %d values; expected %d, the last axis of %s"
              .formatted(field, vector.length, last, point));
    }
  }

  private void same(String field, float[] vector, float[] encoder) {
    if (vector.length != encoder.length) {
      throw new InvalidInterventionException(
          WRONG_SHAPE,
          field,
          "%s has %d values; expected %d, as many as encoder"
              .formatted(field, vector.length, encoder.length));
    }
  }

  private static void finite(String field, float... values) {
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new InvalidInterventionException(
            NOT_FINITE,
            field,
            "%s holds %s at index %d; expected finite numbers".formatted(field, values[i], i));
      }
    }
  }
}
