package dev.loupe.server.errors;

import java.io.IOException;
import java.util.Locale;

/** Tells a full disk from a broken one. */
public final class StorageErrors {
  private StorageErrors() {}

  /**
   * STORAGE_FULL when the disk, a quota or the process's limit on file sizes is full,
   * STORAGE_UNAVAILABLE otherwise (read-only, not permitted, failing).
   *
   * @param what could not be stored or read, for the message: "the corpus"
   */
  public static LoupeException of(String what, IOException error) {
    String text = String.valueOf(error.getMessage()).toLowerCase(Locale.ROOT);
    boolean full =
        text.contains("no space left")
            || text.contains("not enough space")
            || text.contains("quota exceeded")
            || text.contains("file too large");
    return full
        ? LoupeException.of(
            ErrorReason.STORAGE_FULL,
            what + " cannot be stored: the server's disk is full; free some space and try again",
            error)
        : LoupeException.of(
            ErrorReason.STORAGE_UNAVAILABLE,
            what
                + " cannot be stored or read: the server's disk gives an error ("
                + error.getClass().getSimpleName()
                + ")",
            error);
  }
}
