package dev.loupe.server.errors;

import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * An error that a caller gets to see: a reason, a message that names the field, the value and what
 * would be accepted, and metadata for programs. Messages go over the wire as they are, so they hold
 * no secrets and no file paths of the server unless the caller gave them.
 */
public final class LoupeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A turn on a device lasts a fraction of this, and a client's backing off begins here. */
  private static final Duration RETRY_DELAY = Duration.ofSeconds(1);

  private final ErrorReason reason;
  private final transient SortedMap<String, String> metadata;
  private final Duration retryAfter;

  private LoupeException(
      ErrorReason reason,
      String message,
      SortedMap<String, String> metadata,
      Duration retryAfter,
      Throwable cause) {
    super(message);
    this.reason = reason;
    this.metadata = metadata;
    this.retryAfter = retryAfter;
    attach(cause);
  }

  /** An error for this reason. */
  public static LoupeException of(ErrorReason reason, String message) {
    return of(reason, message, null);
  }

  /** An error for this reason that something else led to; the cause stays on the server. */
  public static LoupeException of(ErrorReason reason, String message, Throwable cause) {
    Duration retryAfter = reason.passes() ? RETRY_DELAY : null;
    return new LoupeException(reason, message, new TreeMap<>(), retryAfter, cause);
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
    return copy(more, retryAfter);
  }

  /** The same error, which may be gone when the call is made again after this time. */
  public LoupeException retryAfter(Duration delay) {
    return copy(metadata, delay);
  }

  private LoupeException copy(SortedMap<String, String> newMetadata, Duration newDelay) {
    LoupeException copy =
        new LoupeException(reason, getMessage(), newMetadata, newDelay, getCause());
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

  /** When to try again, if that may help: always given for reasons that pass. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
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
