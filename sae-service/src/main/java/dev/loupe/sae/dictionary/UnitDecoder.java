package dev.loupe.sae.dictionary;

/** Holds decoder directions at length 1 while an optimiser moves them. */
public final class UnitDecoder {
  private final DictionaryWeights weights;

  /** Constrains these weights. */
  public UnitDecoder(DictionaryWeights weights) {
    this.weights = weights;
  }

  /**
   * Removes from each row's gradient its part along the row, which would only change its length.
   *
   * @param gradient of W_dec, {@code [d_sae, d_in]}; changed in place
   */
  public void projectGradient(float[] gradient) {
    int width = weights.dIn();
    float[] decoder = weights.decoder();
    RowChunks.run(
        weights.dSae(),
        (chunk, begin, end) -> {
          for (int row = begin; row < end; row++) {
            int start = row * width;
            float squared = VectorMath.dot(decoder, start, decoder, start, width);
            if (squared > 0) {
              float along = VectorMath.dot(gradient, start, decoder, start, width) / squared;
              VectorMath.addScaled(gradient, start, decoder, start, -along, width);
            }
          }
        });
  }

  /** Scales each row of W_dec to length 1; a row of zeros stays. */
  public void normalize() {
    int width = weights.dIn();
    float[] decoder = weights.decoder();
    RowChunks.run(
        weights.dSae(),
        (chunk, begin, end) -> {
          for (int row = begin; row < end; row++) {
            int start = row * width;
            float norm = VectorMath.norm(decoder, start, width);
            if (norm > 0) {
              for (int i = start; i < start + width; i++) {
                decoder[i] /= norm;
              }
            }
          }
        });
  }
}
