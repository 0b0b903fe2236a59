package dev.loupe.gateway.proxy;

import io.grpc.ConnectivityState;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Tries every second to reach services that are away. gRPC itself waits longer and longer, up to
 * two minutes, so a service that is back would stay unused for that long.
 */
public final class Reconnection implements AutoCloseable {
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "gateway-reconnection");
            thread.setDaemon(true);
            return thread;
          });

  /** Looks after these until it is closed. */
  public Reconnection(List<Upstream> upstreams) {
    clock.scheduleWithFixedDelay(
        () -> upstreams.forEach(Reconnection::tryAgain), 1, 1, TimeUnit.SECONDS);
  }

  private static void tryAgain(Upstream upstream) {
    if (upstream.channel().getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      upstream.channel().resetConnectBackoff();
    }
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
