package dev.loupe.sae.format;

/** A dictionary folder that is damaged, or that holds what Loupe does not read. */
public final class UnreadableDictionaryException extends Exception {
  private static final long serialVersionUID = 1L;

  UnreadableDictionaryException(String problem) {
    super(problem);
  }

  UnreadableDictionaryException(String problem, Throwable cause) {
    super(problem, cause);
  }
}
