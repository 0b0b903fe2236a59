package dev.loupe.k8s;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.SynchronizationContext;
import java.util.List;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Resolves a Service to its ready pods, and again at every change. */
final class EndpointSliceNameResolver extends NameResolver {
  private static final Logger log = LoggerFactory.getLogger(EndpointSliceNameResolver.class);

  private final ServiceTarget target;
  private final SynchronizationContext context;
  private final Function<EndpointWatch.Listener, EndpointWatch> watches;
  private EndpointWatch watch;
  private Listener2 listener;
  private boolean resolved;
  private boolean shutdown;

  EndpointSliceNameResolver(
      ServiceTarget target,
      SynchronizationContext context,
      Function<EndpointWatch.Listener, EndpointWatch> watches) {
    this.target = target;
    this.context = context;
    this.watches = watches;
  }

  @Override
  public String getServiceAuthority() {
    return target.authority();
  }

  @Override
  public void start(Listener2 resolutions) {
    listener = resolutions;
    try {
      watch = watches.apply(new Found());
    } catch (RuntimeException e) {
      listener.onResult2(
          failure("the Kubernetes client cannot be configured: " + e.getMessage(), e));
      return;
    }
    watch.start();
  }

  @Override
  public void refresh() {
    if (watch != null) {
      watch.hurry();
    }
  }

  @Override
  public void shutdown() {
    shutdown = true;
    if (watch != null) {
      watch.close();
    }
  }

  private static ResolutionResult failure(String message, Exception cause) {
    return ResolutionResult.newBuilder()
        .setAddressesOrError(
            StatusOr.fromStatus(Status.UNAVAILABLE.withDescription(message).withCause(cause)))
        .build();
  }

  /** Brings what the watch finds from its thread to the channel. */
  private final class Found implements EndpointWatch.Listener {
    @Override
    public void endpoints(List<EquivalentAddressGroup> endpoints) {
      context.execute(
          () -> {
            if (!shutdown) {
              resolved = true;
              log.info("{} has {} ready endpoints", target, endpoints.size());
              listener.onResult2(
                  ResolutionResult.newBuilder()
                      .setAddressesOrError(StatusOr.fromValue(endpoints))
                      .build());
            }
          });
    }

    @Override
    public void failed(String what, Exception error) {
      context.execute(
          () -> {
            if (shutdown) {
              return;
            }
            log.warn("cannot follow the endpoints of {}: {}", target, what);
            if (!resolved) {
              listener.onResult2(
                  failure("cannot list the endpoints of " + target + ": " + what, error));
            }
          });
    }
  }
}
