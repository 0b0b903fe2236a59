package dev.loupe.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class HealthWatchTest {
  private static final Duration OFTEN = Duration.ofMillis(1);

  private final BlockingQueue<ServiceHealth> said = new LinkedBlockingQueue<>();

  @Test
  void whatChangesIsSaidOnce() throws Exception {
    ServiceHealth away = ServiceHealth.problem("the database is away");
    ServiceHealth slow = ServiceHealth.warning("the disk is slow");
    AtomicReference<ServiceHealth> now = new AtomicReference<>(away);
    try (HealthWatch watch = watch(now::get, Duration.ofSeconds(60))) {
      assertThat(next()).isEqualTo(away);
      assertThat(watch.latest()).isEqualTo(away);
      now.set(slow);
      assertThat(next()).isEqualTo(slow);
      now.set(ServiceHealth.GOOD);
      assertThat(next()).isEqualTo(ServiceHealth.GOOD);
    }
  }

  @Test
  void aCheckThatThrowsIsAProblem() throws Exception {
    try (HealthWatch watch =
        watch(
            () -> {
              throw new IllegalStateException("no engine");
            },
            Duration.ofSeconds(60))) {
      assertThat(next().problems()).singleElement().asString().contains("no engine");
      assertThat(watch.latest().isServing()).isFalse();
    }
  }

  @Test
  void aCheckThatHangsIsAProblemAndNoSecondOneBegins() throws Exception {
    CountDownLatch free = new CountDownLatch(1);
    AtomicInteger begun = new AtomicInteger();
    Supplier<ServiceHealth> hanging =
        () -> {
          begun.incrementAndGet();
          try {
            free.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return ServiceHealth.GOOD;
        };
    try (HealthWatch watch = watch(hanging, Duration.ofMillis(5))) {
      assertThat(next().problems()).singleElement().asString().contains("has not come back");
      assertThat(watch.latest().isServing()).isFalse();
      assertThat(begun).hasValue(1);
      free.countDown();
      assertThat(next()).isEqualTo(ServiceHealth.GOOD);
    }
  }

  @Test
  void bothAreSaidInTheirOrder() {
    ServiceHealth both =
        ServiceHealth.warning("b").and(ServiceHealth.problem("a")).and(ServiceHealth.GOOD);
    assertThat(both).isEqualTo(new ServiceHealth(List.of("a"), List.of("b")));
    assertThat(both.text()).isEqualTo("problem: a\nwarning: b\n");
    assertThat(ServiceHealth.GOOD.text()).isEqualTo("ok\n");
  }

  private HealthWatch watch(Supplier<ServiceHealth> check, Duration limit) {
    return HealthWatch.start(check, OFTEN, limit, said::add);
  }

  private ServiceHealth next() throws InterruptedException {
    ServiceHealth next = said.poll(20, TimeUnit.SECONDS);
    assertThat(next).as("what was said").isNotNull();
    return next;
  }
}
