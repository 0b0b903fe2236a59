package dev.loupe.features.grpc;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.List;

/**
 * Checks of a request's fields. Every method throws INVALID_VALUE, or NOT_FINITE, naming the field.
 */
final class Checks {
  /** Code points of what a token stands for. */
  static final int MAX_TOKEN_LENGTH = 256;

  private Checks() {}

  /** From {@code least} to {@code most} entries. */
  static void size(String field, List<?> values, int least, int most) {
    if (values.size() < least || values.size() > most) {
      throw LoupeException.invalidValue(
          field,
          values.size() + " entries",
          least == 0 ? "at most " + most : least + " to " + most);
    }
  }

  /** From {@code least} to {@code most} code points, and no NUL, which PostgreSQL cannot store. */
  static String text(String field, String value, int least, int most) {
    int length = value.codePointCount(0, value.length());
    if (length < least || length > most) {
      throw LoupeException.invalidValue(
          field, value, least + " to " + most + " characters, not " + length);
    }
    if (value.indexOf('\0') >= 0) {
      throw LoupeException.invalidValue(field, value, "a text without NUL characters");
    }
    return value;
  }

  /** At most {@code most} code points. */
  static String atMost(String field, String value, int most) {
    int length = value.codePointCount(0, value.length());
    if (length > most) {
      throw LoupeException.invalidValue(field, value, "at most " + most + " characters");
    }
    return value;
  }

  static long notNegative(String field, long value) {
    if (value < 0) {
      throw LoupeException.invalidValue(field, value, "0 or more");
    }
    return value;
  }

  static double finite(String field, double value) {
    if (!Double.isFinite(value)) {
      throw LoupeException.invalid(ErrorReason.NOT_FINITE, field, value, "a finite number");
    }
    return value;
  }

  static float finite(String field, float value) {
    if (!Float.isFinite(value)) {
      throw LoupeException.invalid(ErrorReason.NOT_FINITE, field, value, "a finite number");
    }
    return value;
  }

  static double within(String field, double value, double least, double most) {
    finite(field, value);
    if (value < least || value > most) {
      throw LoupeException.invalidValue(field, value, "a number in [" + least + ", " + most + "]");
    }
    return value;
  }
}
