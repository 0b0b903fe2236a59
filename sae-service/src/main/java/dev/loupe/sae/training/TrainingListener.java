package dev.loupe.sae.training;

/** What a training run tells while it runs. */
public interface TrainingListener {

  /**
   * Called at each step and while waiting.
   *
   * @throws RuntimeException to end the run, which saves a checkpoint and throws it on
   */
  void throwIfStopped();

  /** The newest status, a few times a second. */
  void progress(TrainingStatus status);

  /** A step was done on this many activations. */
  void trained(int rows);
}
