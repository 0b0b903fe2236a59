package dev.loupe.sae.corpus;

/** What a pass over a corpus tells while it runs. */
public interface CorpusListener {

  /**
   * Called between batches and while waiting.
   *
   * @throws RuntimeException to end the pass
   */
  void throwIfStopped();

  /** So many of the rows are done. */
  void progress(long rows, long totalRows);
}
