package dev.loupe.gateway.analysis;

/** Runs language models. */
public interface Models {
  /**
   * Runs a prompt, with the beginning-of-text token before it.
   *
   * @param width that the hook point's activations are expected to have
   */
  Pass run(String model, String prompt, String hookPoint, int width, int topPredictions);
}
