package dev.loupe.inference.hub;

/** Model files could not be had. The message says what to do about it. */
public final class HubException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Kind {
    /** What was asked for is neither a folder nor a hub id, or the settings are wrong. */
    INVALID,
    /** The repository, the revision or a file does not exist. */
    NOT_FOUND,
    /** The hub wants a token, or the token is not enough. */
    DENIED,
    /** The hub cannot be reached, or keeps failing. */
    UNREACHABLE,
    /** What came is not what the hub announced. */
    CORRUPT,
    /** The files do not fit on the disk, or cannot be written. */
    DISK
  }

  private final Kind kind;

  /** Says why. */
  public HubException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  /** Says why, and what it came from. */
  public HubException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  /** Why. */
  public Kind kind() {
    return kind;
  }
}
