package dev.loupe.features.domain;

/**
 * A text that is no filter of features. The message says where it goes wrong and what would be
 * accepted there.
 */
public final class FilterException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  FilterException(String message) {
    super(message);
  }
}
