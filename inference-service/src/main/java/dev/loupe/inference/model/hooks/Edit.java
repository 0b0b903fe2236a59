package dev.loupe.inference.model.hooks;

/** What an intervention does to the selected values x. Vectors lie along the last axis. */
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
