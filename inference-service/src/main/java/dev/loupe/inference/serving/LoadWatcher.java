package dev.loupe.inference.serving;

/** Told what a load is doing. What it throws ends the load, and nothing stays in memory. */
@FunctionalInterface
public interface LoadWatcher {
  /** Tells nobody. */
  LoadWatcher NONE = (step, done, total) -> {};

  /**
   * A step goes on.
   *
   * @param step in words, such as {@code downloading model.safetensors}
   * @param done bytes of it that are done
   * @param total bytes of it in all
   */
  void onStep(String step, long done, long total);
}
