package dev.loupe.standalone.client;

import java.util.List;

/**
 * A model to have loaded.
 *
 * @param id its name without {@code models/}
 * @param source a hub id, or a folder on the server's machine
 * @param bf16 whether it computes in bfloat16
 * @param processing steps of weight processing, such as {@code fold_ln}
 */
public record ModelLoad(String id, String source, boolean bf16, List<String> processing) {
  /** Told how far a load is. */
  @FunctionalInterface
  public interface Steps {
    /** A step in words, and how many of its bytes are done; {@code total} is 0 when not known. */
    void at(String step, long done, long total);
  }
}
