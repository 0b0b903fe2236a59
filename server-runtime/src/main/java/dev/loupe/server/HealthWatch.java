package dev.loupe.server;

import dev.loupe.server.threads.NamedThreads;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks a service again and again how it is, and tells what changes. A check that fails is a
 * problem; so is one that does not come back in time, which is left to run: another begins only
 * when it has ended.
 */
public final class HealthWatch implements AutoCloseable {
  /** How long one check may take. */
  public static final Duration LIMIT = Duration.ofSeconds(10);

  private static final Logger log = LoggerFactory.getLogger(HealthWatch.class);

  private final Supplier<ServiceHealth> check;
  private final Duration limit;
  private final Consumer<ServiceHealth> listener;
  private final ExecutorService checks = NamedThreads.pool("health-check", 1);
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(NamedThreads.named("health-watch"));
  private volatile ServiceHealth latest = ServiceHealth.GOOD;
  private Future<ServiceHealth> running;

  private HealthWatch(
      Supplier<ServiceHealth> check, Duration limit, Consumer<ServiceHealth> listener) {
    this.check = check;
    this.limit = limit;
    this.listener = listener;
  }

  /**
   * Begins to watch: good until the first check, which begins at once, says otherwise.
   *
   * @param every so often a check begins
   * @param limit how long one may take
   * @param listener told of every change, on the watch's own thread
   */
  public static HealthWatch start(
      Supplier<ServiceHealth> check,
      Duration every,
      Duration limit,
      Consumer<ServiceHealth> listener) {
    HealthWatch watch = new HealthWatch(check, limit, listener);
    watch.clock.scheduleWithFixedDelay(watch::look, 0, every.toMillis(), TimeUnit.MILLISECONDS);
    return watch;
  }

  /** What was found last. */
  public ServiceHealth latest() {
    return latest;
  }

  @Override
  public void close() {
    clock.shutdownNow();
    checks.shutdownNow();
  }

  private void look() {
    try {
      ServiceHealth found = find();
      if (!found.equals(latest)) {
        latest = found;
        if (found.equals(ServiceHealth.GOOD)) {
          log.info("healthy again");
        } else {
          log.warn("{}", found.text().strip().replace('\n', ';'));
        }
        listener.accept(found);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      log.warn("health cannot be told", e);
    }
  }

  private ServiceHealth find() throws InterruptedException {
    if (running == null) {
      running = checks.submit(check::get);
    }
    try {
      ServiceHealth found = running.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      running = null;
      return found;
    } catch (ExecutionException e) {
      running = null;
      log.debug("a check failed", e);
      return ServiceHealth.problem("the check failed: " + e.getCause());
    } catch (TimeoutException e) {
      return ServiceHealth.problem(
          "the check has not come back within " + limit.toSeconds() + " seconds");
    }
  }
}
