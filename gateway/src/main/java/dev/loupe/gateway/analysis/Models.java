package dev.loupe.gateway.analysis;

/** Runs language models. */
public interface Models {
  /**
   * Whether a loaded model is the one of another name: under any of its names, or with the same
   * weights.
   *
   * @param model {@code models/{model}}
   * @param other {@code models/{model}}, loaded or not
   * @param otherSha256 of the other's weights; empty when not known
   */
  boolean areOne(String model, String other, String otherSha256);

  /**
   * Runs a prompt, with the beginning-of-text token before it.
   *
   * @param width that the hook point's activations are expected to have
   */
  Pass run(String model, String prompt, String hookPoint, int width, int topPredictions);
}
