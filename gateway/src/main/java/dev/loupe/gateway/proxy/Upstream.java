package dev.loupe.gateway.proxy;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.function.Supplier;

/**
 * A service behind the gateway.
 *
 * @param name as errors and metrics give it, such as {@code inference-service}
 * @param channel to all of its replicas
 * @param tenancy says whose calls are
 */
public record Upstream(String name, ManagedChannel channel, Tenancy tenancy) {
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  /** Where calls are made that a client asked for. */
  public Channel calls() {
    return ClientInterceptors.intercept(channel, tenancy);
  }

  /**
   * Asks the service for something.
   *
   * @throws StatusRuntimeException as {@link #error} says, when it does not give it
   */
  public <T> T ask(Supplier<T> question) {
    try {
      return question.get();
    } catch (StatusRuntimeException e) {
      throw error(e.getStatus(), e.getTrailers());
    }
  }

  /**
   * What a caller gets for a call to this service that ended with an error: the service's own error
   * as it is; where the service did not answer at all, UNAVAILABLE (SERVICE_UNAVAILABLE) that names
   * it.
   */
  public StatusRuntimeException error(Status status, Metadata trailers) {
    if (status.getCode() != Status.Code.UNAVAILABLE
        || (trailers != null && trailers.containsKey(DETAILS))) {
      return status
          .withCause(null)
          .asRuntimeException(trailers == null ? new Metadata() : trailers);
    }
    return LoupeErrors.toStatusException(
        LoupeException.of(
                ErrorReason.SERVICE_UNAVAILABLE,
                name + " cannot be reached, or went away; try again later")
            .with("service", name));
  }
}
