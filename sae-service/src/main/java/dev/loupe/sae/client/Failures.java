package dev.loupe.sae.client;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Optional;
import java.util.Set;

/** Tells failures that pass from those that stay. */
final class Failures {
  private static final Set<ErrorReason> STAYING =
      Set.of(
          ErrorReason.RESPONSE_TOO_LARGE, ErrorReason.MESSAGE_TOO_LARGE, ErrorReason.OUT_OF_BUDGET);

  private Failures() {}

  /** Whether the same call may succeed later, or elsewhere. */
  static boolean passes(Throwable failure) {
    Optional<ErrorReason> reason = LoupeErrors.reason(failure);
    if (reason.isPresent() && STAYING.contains(reason.get())) {
      return false;
    }
    return switch (Status.fromThrowable(failure).getCode()) {
      case UNAVAILABLE, RESOURCE_EXHAUSTED, ABORTED, CANCELLED, DEADLINE_EXCEEDED -> true;
      // A connection that breaks in the middle of a message shows as one of these, without details.
      case INTERNAL, UNKNOWN -> reason.isEmpty();
      default -> false;
    };
  }

  /** The error for a service that stayed away; other failures keep their own status and details. */
  static RuntimeException of(String service, ErrorReason away, Throwable failure) {
    if (!passes(failure)) {
      return failure instanceof RuntimeException known
          ? known
          : new StatusRuntimeException(Status.fromThrowable(failure));
    }
    return LoupeException.of(
        away,
        "the %s cannot be reached: %s"
            .formatted(service, Status.fromThrowable(failure).getDescription()),
        failure);
  }

  static RuntimeException inference(Throwable failure) {
    return of("inference service", ErrorReason.INFERENCE_UNAVAILABLE, failure);
  }
}
