package dev.loupe.inference.hub;

/** Told while a file arrives. */
@FunctionalInterface
public interface DownloadProgress {
  /** Tells nobody. */
  DownloadProgress NONE = (file, done, total) -> {};

  /**
   * Some bytes arrived.
   *
   * @param file the file's name in the repository
   * @param done bytes that are on the disk
   * @param total the file's bytes
   */
  void onBytes(String file, long done, long total);
}
