package dev.loupe.gateway.proxy;

import dev.loupe.server.HealthWatch;
import dev.loupe.server.PeerHealth;
import dev.loupe.server.ServiceHealth;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Asks the services behind the gateway every few seconds whether they can do their work. */
public final class UpstreamHealth implements AutoCloseable {
  private static final Duration EVERY = Duration.ofSeconds(2);

  private final List<Upstream> upstreams;
  private final Consumer<Map<String, String>> listener;
  private final HealthWatch watch;

  /**
   * Asks until it is closed.
   *
   * @param listener told after each round what each service lacks, by its name; a service that is
   *     well is not in it
   */
  public UpstreamHealth(List<Upstream> upstreams, Consumer<Map<String, String>> listener) {
    this.upstreams = upstreams;
    this.listener = listener;
    this.watch = HealthWatch.start(this::ask, EVERY, HealthWatch.LIMIT, found -> {});
  }

  @Override
  public void close() {
    watch.close();
  }

  /** What is behind the gateway is no fault of its own. */
  private ServiceHealth ask() {
    Map<String, String> lacks = new LinkedHashMap<>();
    for (Upstream upstream : upstreams) {
      PeerHealth.wrongWith(upstream.channel())
          .ifPresent(wrong -> lacks.put(upstream.name(), wrong));
    }
    listener.accept(lacks);
    return new ServiceHealth(
        List.of(),
        lacks.entrySet().stream().map(lack -> lack.getKey() + " " + lack.getValue()).toList());
  }
}
