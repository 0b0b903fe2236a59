package dev.loupe.inference.grpc.requests;

import dev.loupe.server.errors.LoupeException;

/** Errors that say in which entry of a repeated field they lie. */
final class Located {
  private Located() {}

  /** The same error with the entry's name before its message. */
  static RuntimeException in(String entry, RuntimeException e) {
    return e instanceof LoupeException known ? located(entry, known) : e;
  }

  /** The same error with the field's name before its message and in its metadata. */
  static RuntimeException at(String field, RuntimeException e) {
    return e instanceof LoupeException known ? located(field, known).with("field", field) : e;
  }

  private static LoupeException located(String entry, LoupeException known) {
    LoupeException located =
        LoupeException.of(known.reason(), entry + ": " + known.getMessage(), known);
    for (var detail : known.metadata().entrySet()) {
      located = located.with(detail.getKey(), detail.getValue());
    }
    return located;
  }
}
