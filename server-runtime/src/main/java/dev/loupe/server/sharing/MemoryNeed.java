package dev.loupe.server.sharing;

/** What a piece of work will take, predicted before it runs. */
public interface MemoryNeed {
  /** Bytes at its highest. */
  long bytes();

  /**
   * What would fit into a limit; completes the sentence "this server gives at most ... to one:
   * ...".
   */
  String advice(long limit);
}
