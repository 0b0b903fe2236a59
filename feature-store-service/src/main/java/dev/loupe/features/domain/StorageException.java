package dev.loupe.features.domain;

/** The database could not do its work. What was stored before is as it was. */
public final class StorageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What is wrong. */
  public enum Kind {
    /** It cannot be reached, read or written. */
    UNAVAILABLE,
    /** It has no room left. */
    FULL
  }

  private final Kind kind;

  public StorageException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  /** What is wrong. */
  public Kind kind() {
    return kind;
  }
}
