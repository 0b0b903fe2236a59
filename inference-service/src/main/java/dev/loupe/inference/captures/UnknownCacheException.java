package dev.loupe.inference.captures;

/** Kept activations that are not there: never made, expired, deleted, or another tenant's. */
public class UnknownCacheException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  UnknownCacheException(String message) {
    super(message);
  }
}
