package dev.loupe.server.errors;

import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * An error that a caller gets to see: a reason, a message that names the field, the value and what
 * would be accepted, and metadata for programs. Messages go over the wire as they are, so they hold
 * no secrets and no file paths of the server unless the caller gave them.
 */
public final class LoupeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorReason reason;
  private final transient SortedMap<String, String> metadata;

  private LoupeException(
      ErrorReason reason, String message, SortedMap<String, String> metadata, Throwable cause) {
    super(message);
    this.reason = reason;
    this.metadata = metadata;
    attach(cause);
  }

  /** An error for this reason. */
  public static LoupeException of(ErrorReason reason, String message) {
    return new LoupeException(reason, message, new TreeMap<>(), null);
  }

  /** An error for this reason that something else led to; the cause stays on the server. */
  public static LoupeException of(ErrorReason reason, String message, Throwable cause) {
    return new LoupeException(reason, message, new TreeMap<>(), cause);
  }

  /** {@code INVALID_VALUE}: a request's field holds something that is not accepted. */
  public static LoupeException invalidValue(String field, Object value, String accepted) {
    return invalid(ErrorReason.INVALID_VALUE, field, value, accepted);
  }

  /**
   * A request's field holds something that is not accepted.
   *
   * @param field as the request spells it, such as {@code page_size}
   * @param value what it holds; long values are cut
   * @param accepted completes the sentence "give ...", such as {@code "1 to 100"}
   */
  public static LoupeException invalid(
      ErrorReason reason, String field, Object value, String accepted) {
    return of(reason, field + " is " + shown(value) + "; give " + accepted).with("field", field);
  }

  /** The same error with one more piece of metadata. */
  public LoupeException with(String key, Object value) {
    SortedMap<String, String> more = new TreeMap<>(metadata);
    more.put(key, String.valueOf(value));
    LoupeException copy = new LoupeException(reason, getMessage(), more, getCause());
    for (Throwable suppressed : getSuppressed()) {
      copy.addSuppressed(suppressed);
    }
    copy.setStackTrace(getStackTrace());
    return copy;
  }

  /** Why. */
  public ErrorReason reason() {
    return reason;
  }

  /** What programs may want to know, by name. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableSortedMap(metadata);
  }

  /**
   * gRPC looks for a status along the causes of what is passed to {@code onError} and would answer
   * with another server's status instead of this error, so a cause that holds one is kept beside
   * the chain.
   */
  private void attach(Throwable cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof StatusRuntimeException || t instanceof StatusException) {
        addSuppressed(cause);
        return;
      }
    }
    if (cause != null) {
      initCause(cause);
    }
  }

  private static String shown(Object value) {
    String text = String.valueOf(value);
    String cut = text.length() > 80 ? text.substring(0, 80) + "..." : text;
    return value instanceof CharSequence ? "\"" + cut + "\"" : cut;
  }
}
