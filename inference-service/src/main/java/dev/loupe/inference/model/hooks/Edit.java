package dev.loupe.inference.model.hooks;

import dev.loupe.tensor.HostTensor;
import java.util.List;

/**
 * What an intervention does to the selected values x. Vectors lie along the last axis; where an
 * activation has heads and none are selected, a vector may also span all heads at once.
 */
public sealed interface Edit {

  /** x becomes 0. */
  record Zero() implements Edit {}

  /**
   * x becomes factor * x.
   *
   * @param factor finite
   */
  record Scale(float factor) implements Edit {}

  /**
   * x becomes the vector.
   *
   * @param values as long as the last axis; a single value fills it
   */
  record SetValue(float[] values) implements Edit {}

  /**
   * x becomes x + coefficient * direction.
   *
   * @param direction as long as the last axis
   * @param coefficient finite
   */
  record AddDirection(float[] direction, float coefficient) implements Edit {}

  /**
   * x becomes x + coefficient * |x| * direction / |direction|: with a coefficient of 1, what is
   * added is as long as what was there.
   *
   * @param direction as long as the last axis, not zero
   * @param coefficient finite
   */
  record AddInNorms(float[] direction, float coefficient) implements Edit {}

  /**
   * x becomes a mean over the batch, padding left out. All rows count, selected or not. With a
   * key-value cache the mean is over the tokens of the same pass.
   *
   * @param eachPosition true for the mean over rows at each position, rows that are too short for
   *     it left out; false for one mean over all tokens of all rows
   */
  record BatchMean(boolean eachPosition) implements Edit {}

  /**
   * x loses its orthogonal projection on the span of the directions.
   *
   * @param directions one or more, each as long as the last axis and not zero; they need be neither
   *     unit vectors nor orthogonal
   */
  record ProjectOut(List<float[]> directions) implements Edit {

    /** Takes its own copy of the list. */
    public ProjectOut {
      directions = List.copyOf(directions);
    }
  }

  /**
   * Exchanges what x holds along two directions: with the unit vectors a and b, and (s, t) the
   * least-squares coordinates of x in the plane that they span, x becomes x + (t - s) * (a - b).
   * Since t - s = -(x . (a - b)) / (1 - a . b), this is the reflection at the hyperplane between
   * them, and done twice it gives x again.
   *
   * @param first as long as the last axis, not zero
   * @param second as long as the last axis, not zero, not parallel to the first
   */
  record Swap(float[] first, float[] second) implements Edit {}

  /**
   * x becomes the value of another place.
   *
   * @param source where the value comes from
   * @param sourcePositions the position of the source for each selected position, in the same
   *     order; negative ones count from the source's end; empty for the same positions
   */
  record Patch(Source source, List<Integer> sourcePositions) implements Edit {

    /** Takes its own copy of the list. */
    public Patch {
      sourcePositions = List.copyOf(sourcePositions);
    }
  }

  /** Where a patch takes its values from. */
  sealed interface Source {

    /**
     * A row of the same batch, as it stands at the hook point before the patch.
     *
     * @param row from 0
     */
    record Row(int row) implements Source {}

    /**
     * A tensor.
     *
     * @param value F32, one row's activation at the hook point without the batch axis, such as
     *     [pos, d_model]
     */
    record Given(HostTensor value) implements Source {}
  }

  /**
   * Holds one feature of a dictionary without decoding the others. With p = (x - decoderBias) .
   * encoder + encoderBias and the feature's activation a = p where p exceeds max(0, threshold) and
   * 0 elsewhere, x becomes x + (target - a) * decoder.
   *
   * @param encoder the feature's column of W_enc
   * @param encoderBias the feature's entry of b_enc
   * @param decoder the feature's row of W_dec
   * @param decoderBias what the dictionary subtracts from its input; empty for nothing
   * @param threshold what the pre-activation must exceed; 0 for ReLU
   * @param target the activation to hold
   */
  record ClampFeature(
      float[] encoder,
      float encoderBias,
      float[] decoder,
      float[] decoderBias,
      float threshold,
      Target target)
      implements Edit {}

  /** The activation that a clamped feature gets. */
  sealed interface Target {

    /** The same everywhere, whether the feature was active or not. */
    record Value(float activation) implements Target {}

    /** A multiple of the feature's own activation. */
    record Multiple(float factor) implements Target {}
  }
}
