package dev.loupe.inference.pretraining;

/** Where training rows come from. */
@FunctionalInterface
public interface BatchSource {

  /**
   * The rows of a step. A run that is resumed asks again from the step after its checkpoint, so the
   * same step must give the same rows.
   *
   * @param step from 0
   */
  TrainingBatch batch(int step);
}
