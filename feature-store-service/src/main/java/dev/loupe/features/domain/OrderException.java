package dev.loupe.features.domain;

/** A text that is no order of features. */
public final class OrderException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  OrderException(String text, String accepted) {
    super("\"" + text + "\" is no order; accepted are " + accepted);
  }
}
