package dev.loupe.inference.model;

/** Told while weights are read. What it throws ends the loading, and nothing stays in memory. */
@FunctionalInterface
public interface LoadListener {
  /** Tells nobody. */
  LoadListener NONE = (done, total) -> {};

  /**
   * Some weights are there.
   *
   * @param done bytes of weights in memory
   * @param total bytes of weights in all
   */
  void onBytes(long done, long total);
}
