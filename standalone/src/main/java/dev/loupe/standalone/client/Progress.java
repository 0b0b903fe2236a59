package dev.loupe.standalone.client;

/** Is told how far a long call has come. */
@FunctionalInterface
public interface Progress {
  /** So much of the whole is done. */
  void at(long done, long total);
}
