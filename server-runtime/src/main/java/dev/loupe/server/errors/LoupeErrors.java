package dev.loupe.server.errors;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one place where errors become gRPC statuses with {@code google.rpc.ErrorInfo} details, and
 * where those are read again by clients.
 */
public final class LoupeErrors {
  /** Domain of every {@code ErrorInfo} of Loupe. */
  public static final String DOMAIN = "loupe";

  /**
   * Errors travel in headers, of which clients take 8 KiB: the message once with three bytes for
   * each of its own, and once with the details in Base64. What is longer breaks the stream.
   */
  private static final int MESSAGE_BYTES = 1_500;

  private static final int METADATA_BYTES = 300;

  private static final Logger log = LoggerFactory.getLogger(LoupeErrors.class);
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private LoupeErrors() {}

  /**
   * What a caller gets for an error. A {@link LoupeException} says itself; an exception that
   * carries a gRPC status keeps it and its details, and loses all other trailers; anything else is
   * logged under a new id and becomes {@code INTERNAL} with nothing but that id.
   */
  public static StatusRuntimeException toStatusException(Throwable error) {
    if (error instanceof StatusRuntimeException known) {
      return withDetailsOnly(known.getStatus(), known.getTrailers());
    }
    if (error instanceof StatusException known) {
      return withDetailsOnly(known.getStatus(), known.getTrailers());
    }
    return StatusProto.toStatusRuntimeException(toRpcStatus(error));
  }

  /** The same as a message, as a failed {@code google.longrunning.Operation} holds it. */
  public static Status toRpcStatus(Throwable error) {
    if (error instanceof LoupeException known) {
      Status status = rpcStatus(known.reason(), known.getMessage(), known.metadata());
      return known.retryAfter().map(delay -> withRetry(status, delay)).orElse(status);
    }
    if (error instanceof StatusRuntimeException || error instanceof StatusException) {
      return StatusProto.fromThrowable(error);
    }
    if (error instanceof CancellationException || Context.current().isCancelled()) {
      return rpcStatus(ErrorReason.CALL_CANCELLED, "the call was cancelled", Map.of());
    }
    String id = UUID.randomUUID().toString().substring(0, 8).toLowerCase(Locale.ROOT);
    log.error("internal error {}", id, error);
    return rpcStatus(
        ErrorReason.INTERNAL,
        "internal error " + id + "; the server's log says more",
        Map.of("id", id));
  }

  /** The error that a message from {@link #toRpcStatus} stands for, to be thrown to a caller. */
  public static StatusRuntimeException fromRpcStatus(Status status) {
    return StatusProto.toStatusRuntimeException(status);
  }

  /** The reason that a failed call carries, where it is one of ours. */
  public static Optional<ErrorReason> reason(Throwable error) {
    if (error instanceof LoupeException known) {
      return Optional.of(known.reason());
    }
    return errorInfo(error).flatMap(info -> reasonNamed(info.getReason()));
  }

  /** The reason that a failed operation carries, where it is one of ours. */
  public static Optional<ErrorReason> reason(Status status) {
    return errorInfo(status).flatMap(info -> reasonNamed(info.getReason()));
  }

  /** The metadata of a failed call's {@code ErrorInfo}; empty when it carries none. */
  public static Map<String, String> metadata(Throwable error) {
    if (error instanceof LoupeException known) {
      return known.metadata();
    }
    return errorInfo(error).map(ErrorInfo::getMetadataMap).orElse(Map.of());
  }

  /** When a failed call says that it should be made again; empty when it does not. */
  public static Optional<Duration> retryAfter(Throwable error) {
    if (error instanceof LoupeException known) {
      return known.retryAfter();
    }
    return Optional.ofNullable(StatusProto.fromThrowable(error))
        .flatMap(status -> detail(status, RetryInfo.class))
        .map(RetryInfo::getRetryDelay)
        .map(delay -> Duration.ofSeconds(delay.getSeconds(), delay.getNanos()));
  }

  /**
   * Whether the same call may succeed later, or elsewhere, with nothing changed: an error of ours
   * says so by when to try again, and a connection that cannot be made or breaks shows as a status
   * without details. A mistake on this side of the connection is no status, or was caused by
   * something else than the connection.
   */
  public static boolean passes(Throwable error) {
    if (reason(error).isPresent()) {
      return retryAfter(error).isPresent();
    }
    return status(error).map(LoupeErrors::isBrokenConnection).orElse(false);
  }

  private static boolean isBrokenConnection(io.grpc.Status status) {
    return switch (status.getCode()) {
      case UNAVAILABLE, ABORTED, DEADLINE_EXCEEDED -> true;
      // A connection that breaks in the middle of a message shows as one of these.
      case CANCELLED, INTERNAL, UNKNOWN ->
          status.getCause() == null || status.getCause() instanceof IOException;
      default -> false;
    };
  }

  private static Optional<io.grpc.Status> status(Throwable error) {
    if (error instanceof StatusRuntimeException known) {
      return Optional.of(known.getStatus());
    }
    return error instanceof StatusException known
        ? Optional.of(known.getStatus())
        : Optional.empty();
  }

  private static Status rpcStatus(
      ErrorReason reason, String message, Map<String, String> metadata) {
    ErrorInfo.Builder info = ErrorInfo.newBuilder().setReason(reason.name()).setDomain(DOMAIN);
    metadata.forEach((key, value) -> info.putMetadata(key, fitting(value, METADATA_BYTES)));
    return Status.newBuilder()
        .setCode(reason.code().value())
        .setMessage(fitting(message, MESSAGE_BYTES))
        .addDetails(Any.pack(info.build()))
        .build();
  }

  /** The text, or its two ends where it is too long; a char takes three bytes at most. */
  private static String fitting(String text, int bytes) {
    if (text.getBytes(StandardCharsets.UTF_8).length <= bytes) {
      return text;
    }
    int end = bytes / 6;
    return text.substring(0, end) + " ... " + text.substring(text.length() - end);
  }

  private static Status withRetry(Status status, Duration delay) {
    RetryInfo info =
        RetryInfo.newBuilder()
            .setRetryDelay(
                com.google.protobuf.Duration.newBuilder()
                    .setSeconds(delay.getSeconds())
                    .setNanos(delay.getNano()))
            .build();
    return status.toBuilder().addDetails(Any.pack(info)).build();
  }

  private static StatusRuntimeException withDetailsOnly(io.grpc.Status status, Metadata trailers) {
    Metadata kept = new Metadata();
    byte[] details = trailers == null ? null : trailers.get(DETAILS);
    if (details != null) {
      kept.put(DETAILS, details);
    }
    return status.asRuntimeException(kept);
  }

  private static Optional<ErrorInfo> errorInfo(Throwable error) {
    return Optional.ofNullable(StatusProto.fromThrowable(error)).flatMap(LoupeErrors::errorInfo);
  }

  private static Optional<ErrorInfo> errorInfo(Status status) {
    return detail(status, ErrorInfo.class).filter(info -> info.getDomain().equals(DOMAIN));
  }

  private static <T extends Message> Optional<T> detail(Status status, Class<T> type) {
    for (Any detail : status.getDetailsList()) {
      if (detail.is(type)) {
        try {
          return Optional.of(detail.unpack(type));
        } catch (InvalidProtocolBufferException e) {
          log.debug("a status holds an unreadable {}", type.getSimpleName(), e);
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<ErrorReason> reasonNamed(String name) {
    for (ErrorReason reason : ErrorReason.values()) {
      if (reason.name().equals(name)) {
        return Optional.of(reason);
      }
    }
    return Optional.empty();
  }
}
