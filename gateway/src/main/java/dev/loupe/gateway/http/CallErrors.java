package dev.loupe.gateway.http;

import com.google.protobuf.InvalidProtocolBufferException;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.RequestContext;
import com.linecorp.armeria.common.grpc.GrpcExceptionHandlerFunction;
import com.linecorp.armeria.server.RequestTimeoutException;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** Says with a reason what goes wrong before a call's message is read. */
final class CallErrors implements GrpcExceptionHandlerFunction {
  private final int maxMessageBytes;

  CallErrors(int maxMessageBytes) {
    this.maxMessageBytes = maxMessageBytes;
  }

  @Override
  public Status apply(RequestContext ctx, Status status, Throwable cause, Metadata metadata) {
    if (cause instanceof LoupeException ours) {
      return explained(ours, metadata);
    }
    if (cause instanceof InvalidProtocolBufferException) {
      return explained(
          LoupeException.of(
              ErrorReason.INVALID_VALUE, "the request cannot be read: " + cause.getMessage()),
          metadata);
    }
    if (cause instanceof RequestTimeoutException) {
      return Status.DEADLINE_EXCEEDED.withDescription("the call took longer than it may");
    }
    // Armeria's own errors arrive as statuses; the only one with this code is a message over the
    // limit.
    boolean tooLarge = isTooLarge(cause) || status.getCode() == Status.Code.RESOURCE_EXHAUSTED;
    if (tooLarge) {
      return explained(
          LoupeException.of(
                  ErrorReason.MESSAGE_TOO_LARGE,
                  "a message of the request has more than " + maxMessageBytes + " bytes")
              .with("limit", maxMessageBytes),
          metadata);
    }
    return null;
  }

  /** Armeria hides it in the HTTP status that it would give. */
  private static boolean isTooLarge(Throwable cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof ContentTooLargeException) {
        return true;
      }
    }
    return false;
  }

  private static Status explained(LoupeException error, Metadata metadata) {
    StatusRuntimeException explained = LoupeErrors.toStatusException(error);
    metadata.merge(explained.getTrailers());
    return explained.getStatus();
  }
}
