package dev.loupe.sae.client;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Optional;

/** What callers get when another service kept failing. */
final class Failures {
  private Failures() {}

  /**
   * The error for a service that stayed away, or went down. One that answers says itself what is
   * wrong: its failures keep their status and details.
   */
  static RuntimeException of(String service, ErrorReason away, Throwable failure) {
    Optional<ErrorReason> reason = LoupeErrors.reason(failure);
    boolean isAway = reason.isEmpty() || reason.get() == ErrorReason.SHUTTING_DOWN;
    if (isAway && LoupeErrors.passes(failure)) {
      return LoupeException.of(
          away,
          "the %s cannot be reached: %s"
              .formatted(service, Status.fromThrowable(failure).getDescription()),
          failure);
    }
    return failure instanceof RuntimeException known
        ? known
        : new StatusRuntimeException(Status.fromThrowable(failure));
  }

  static RuntimeException inference(Throwable failure) {
    return of("inference service", ErrorReason.INFERENCE_UNAVAILABLE, failure);
  }
}
