package dev.loupe.standalone.corpus;

/** A grammar file that cannot be read, or that names what does not exist. */
public final class GrammarException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  GrammarException(String message) {
    super(message);
  }
}
