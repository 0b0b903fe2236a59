package dev.loupe.sae.dictionary;

/**
 * Picks a row's active features from its pre-activations. Instances hold scratch space: one for
 * each thread.
 */
interface FeatureSelection {

  /**
   * Writes the active features, ascending, and their activations, all above 0.
   *
   * @return how many there are
   */
  int select(float[] preActivations, int[] indices, float[] values);

  /** Room that a row's features may need. */
  int capacity();

  /** Every feature above 0: the ReLU. */
  static FeatureSelection relu(int dSae) {
    return new FeatureSelection() {
      @Override
      public int select(float[] preActivations, int[] indices, float[] values) {
        int count = 0;
        for (int i = 0; i < dSae; i++) {
          float value = preActivations[i];
          if (value > 0) {
            indices[count] = i;
            values[count++] = value;
          }
        }
        return count;
      }

      @Override
      public int capacity() {
        return dSae;
      }
    };
  }
}
