package dev.loupe.standalone.client;

/**
 * A feature's vectors.
 *
 * @param encoder its column of W_enc, [d_in]
 * @param decoder its row of W_dec, [d_in]
 * @param decoderBias b_dec where the dictionary subtracts it from its input, else empty
 */
public record FeatureDirection(
    int feature, float[] encoder, float encoderBias, float[] decoder, float[] decoderBias) {}
