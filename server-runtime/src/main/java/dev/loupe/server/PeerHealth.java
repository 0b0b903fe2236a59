package dev.loupe.server;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Asks another server whether it can do its work. */
public final class PeerHealth {
  private static final long DEADLINE_SECONDS = 2;

  private PeerHealth() {}

  /** What is wrong with it, to stand behind its name; empty when it is well. Takes 2 s at most. */
  public static Optional<String> wrongWith(Channel channel) {
    try {
      ServingStatus status =
          HealthGrpc.newBlockingStub(channel)
              .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
              .check(HealthCheckRequest.getDefaultInstance())
              .getStatus();
      return status == ServingStatus.SERVING
          ? Optional.empty()
          : Optional.of("says that it cannot do its work");
    } catch (StatusRuntimeException e) {
      return Optional.of(
          e.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED
              ? "does not answer"
              : "cannot be reached");
    }
  }
}
