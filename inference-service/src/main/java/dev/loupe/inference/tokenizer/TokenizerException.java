package dev.loupe.inference.tokenizer;

/** A tokenizer file that cannot be used; the message names the file and what is wrong with it. */
public final class TokenizerException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int MOST_SHOWN = 1_000;

  /** Says what is wrong. */
  public TokenizerException(String message) {
    super(shown(message));
  }

  /** Says what is wrong, and what it came from. */
  public TokenizerException(String message, Throwable cause) {
    super(shown(message), cause);
  }

  /** A damaged file may hold words of any length. */
  private static String shown(String message) {
    return message.length() <= MOST_SHOWN ? message : message.substring(0, MOST_SHOWN) + "...";
  }
}
