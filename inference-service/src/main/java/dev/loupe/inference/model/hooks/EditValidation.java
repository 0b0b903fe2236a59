package dev.loupe.inference.model.hooks;

import static dev.loupe.inference.model.hooks.InvalidInterventionException.Kind.NOT_FINITE;
import static dev.loupe.inference.model.hooks.InvalidInterventionException.Kind.OUT_OF_RANGE;
import static dev.loupe.inference.model.hooks.InvalidInterventionException.Kind.WRONG_SHAPE;

import dev.loupe.inference.model.GptConfig;
import java.util.List;

/** Checks an intervention against its hook point's shape, before any pass. */
final class EditValidation {
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
    boolean allHeads = selection.heads().isEmpty();
    Edit edit = intervention.edit();
    if (edit instanceof Edit.Scale scale) {
      finite("factor", scale.factor());
    } else if (edit instanceof Edit.SetValue set) {
      finite("values", set.values());
      if (set.values().length != 1) {
        length("values", set.values(), allHeads);
      }
    } else if (edit instanceof Edit.AddDirection add) {
      finite("direction", add.direction());
      finite("coefficient", add.coefficient());
      length("direction", add.direction(), allHeads);
    } else if (edit instanceof Edit.ClampFeature clamp) {
      check(clamp, allHeads);
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
