package dev.loupe.inference.grpc.requests;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;

/** Bounds that several requests share. */
public final class Checks {
  /** The largest answer of a call that does not stream, below gRPC's usual limit of 4 MiB. */
  public static final long MAX_RESPONSE_BYTES = 3L << 20;

  /** About what one scored token takes in an answer. */
  public static final long SCORED_TOKEN_BYTES = 40;

  private Checks() {}

  /** A number of things, where 0 stands for a default. */
  public static int count(String field, int value, int most, int byDefault) {
    if (value < 0 || value > most) {
      throw LoupeException.invalidValue(field, value, "0 to " + most);
    }
    return value == 0 ? byDefault : value;
  }

  /** A list's length. */
  public static void size(String field, int size, int least, int most) {
    if (size < least || size > most) {
      throw LoupeException.of(
              ErrorReason.INVALID_VALUE,
              "%s has %d entries; give %d to %d".formatted(field, size, least, most))
          .with("field", field);
    }
  }

  /** A predicted answer. */
  public static void responseFits(long bytes, String advice) {
    if (bytes > MAX_RESPONSE_BYTES) {
      throw LoupeException.of(
              ErrorReason.RESPONSE_TOO_LARGE,
              "the answer would take about %d bytes; at most %d fit: %s"
                  .formatted(bytes, MAX_RESPONSE_BYTES, advice))
          .with("bytes", bytes)
          .with("limit", MAX_RESPONSE_BYTES);
    }
  }

  /** A token id of a model. */
  public static void token(String field, int id, int vocabularySize) {
    if (id < 0 || id >= vocabularySize) {
      throw LoupeException.invalid(
          ErrorReason.TOKEN_OUT_OF_RANGE, field, id, "0 to " + (vocabularySize - 1));
    }
  }

  /** A finite number. */
  public static void finite(String field, double value) {
    if (!Double.isFinite(value)) {
      throw LoupeException.invalid(ErrorReason.NOT_FINITE, field, value, "a finite number");
    }
  }
}
