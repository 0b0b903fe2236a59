package dev.loupe.sae.training;

import dev.loupe.sae.corpus.SplitMix;
import dev.loupe.sae.dictionary.Architecture;
import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.dictionary.DictionaryWeights;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.InputNormalization;

/**
 * How a dictionary starts: random decoder directions, the encoder their transpose, no encoder bias,
 * and as decoder bias the geometric median of a sample.
 *
 * @param dictionary in scaled units
 * @param scale the factor for activations: brings their mean squared distance from the bias to d_in
 */
record Initialization(Dictionary dictionary, float scale) {
  private static final int SAMPLE_ROWS = 8192;

  static Initialization of(
      Architecture architecture, int dSae, FloatRows activations, SplitMix random) {
    int dIn = activations.width();
    FloatRows sample =
        new FloatRows(activations.values(), Math.min(SAMPLE_ROWS, activations.rows()), dIn);
    float[] bias = GeometricMedian.of(sample);
    double squares = 0;
    for (int row = 0; row < sample.rows(); row++) {
      for (int i = 0; i < dIn; i++) {
        double distance = sample.values()[sample.start(row) + i] - bias[i];
        squares += distance * distance;
      }
    }
    double mean = squares / sample.rows();
    float scale = mean > 0 ? (float) Math.sqrt(dIn / mean) : 1f;
    for (int i = 0; i < dIn; i++) {
      bias[i] *= scale;
    }
    float[] directions = directions(dSae, dIn, architecture.initialDecoderNorm(), random);
    Dictionary dictionary =
        architecture.over(
            new DictionaryWeights(
                directions.clone(),
                new float[dSae],
                directions,
                bias,
                true,
                InputNormalization.NONE));
    dictionary.settle();
    return new Initialization(dictionary, scale);
  }

  private static float[] directions(int dSae, int dIn, float norm, SplitMix random) {
    float[] directions = new float[Math.multiplyExact(dSae, dIn)];
    for (int feature = 0; feature < dSae; feature++) {
      double squares = 0;
      int start = feature * dIn;
      for (int i = start; i < start + dIn; i++) {
        directions[i] = (float) random.nextGaussian();
        squares += (double) directions[i] * directions[i];
      }
      float factor = (float) (norm / Math.sqrt(squares));
      for (int i = start; i < start + dIn; i++) {
        directions[i] *= factor;
      }
    }
    return directions;
  }

  /**
   * The dictionary that reads and gives activations as they are: with x scaled by s, f = W(s x) + b
   * and x^ = (f W_dec + b_dec) / s, so f / s is the same function with both biases divided by s.
   */
  static Dictionary unscaled(Dictionary dictionary, float scale) {
    DictionaryWeights weights = dictionary.weights();
    return dictionary
        .architecture()
        .over(
            new DictionaryWeights(
                weights.encoder().clone(),
                divided(weights.encoderBias(), scale),
                weights.decoder().clone(),
                divided(weights.decoderBias(), scale),
                weights.subtractsDecoderBias(),
                weights.normalization()));
  }

  private static float[] divided(float[] values, float divisor) {
    float[] out = values.clone();
    for (int i = 0; i < out.length; i++) {
      out[i] /= divisor;
    }
    return out;
  }
}
