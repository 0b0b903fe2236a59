package dev.loupe.inference.pretraining;

/**
 * One optimiser step.
 *
 * @param step how many steps are done, this one included
 * @param steps how many there will be
 * @param loss mean cross-entropy of the step's predictions, in nats, before the update
 * @param gradientNorm norm of the whole gradient before clipping
 * @param learningRate the step's rate
 * @param tokens predictions of the step
 * @param seconds wall time of the step
 */
public record StepReport(
    int step,
    int steps,
    float loss,
    float gradientNorm,
    double learningRate,
    int tokens,
    double seconds) {

  /** Predictions learnt from in a second. */
  public double tokensPerSecond() {
    return tokens / seconds;
  }
}
