package dev.loupe.inference.grpc.requests;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.ServerCall;
import java.util.HashMap;
import java.util.Map;

/** Counts the calls that each tenant has open, so that none takes all that may run at once. */
final class OpenCalls {
  private final int mostOfOne;
  private final Map<String, Integer> open = new HashMap<>();

  /** At most this many of one tenant. */
  OpenCalls(int mostOfOne) {
    this.mostOfOne = mostOfOne;
  }

  /**
   * Counts a call of a tenant.
   *
   * @throws LoupeException QUEUE_FULL when the tenant has its share open
   */
  synchronized void begin(String tenant) {
    int before = open.getOrDefault(tenant, 0);
    if (before >= mostOfOne) {
      throw LoupeException.of(
              ErrorReason.QUEUE_FULL,
              "this tenant has %d calls open already, its share; try again later".formatted(before))
          .with("limit", mostOfOne);
    }
    open.put(tenant, before + 1);
  }

  /** A call of a tenant has ended. */
  synchronized void end(String tenant) {
    open.computeIfPresent(tenant, (name, count) -> count == 1 ? null : count - 1);
  }

  /** The listener of a counted call, which ends with it. */
  <Q> ServerCall.Listener<Q> ending(String tenant, ServerCall.Listener<Q> listener) {
    // gRPC calls exactly one of the two, once.
    return new SimpleForwardingServerCallListener<>(listener) {
      @Override
      public void onCancel() {
        end(tenant);
        super.onCancel();
      }

      @Override
      public void onComplete() {
        end(tenant);
        super.onComplete();
      }
    };
  }
}
