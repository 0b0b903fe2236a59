package dev.loupe.inference.scheduling;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ArrivalsTest {
  private static final Duration FOREVER = Duration.ofHours(1);

  private final Arrivals arrivals = new Arrivals(FOREVER);

  @Test
  void nobodyWaitsForNobody() {
    arrivals.passTook(FOREVER.toNanos());
    arrivals.await();
    arrivals.announce().close();
    arrivals.await();
  }

  @Test
  void waitingEndsWhenTheLastHasArrived() throws Exception {
    arrivals.passTook(FOREVER.toNanos());
    Arrivals.Arrival first = arrivals.announce();
    Arrivals.Arrival second = arrivals.announce();
    Thread waiting = new Thread(arrivals::await);
    waiting.start();
    first.close();
    while (waiting.getState() != Thread.State.TIMED_WAITING) {
      assertThat(waiting.isAlive()).isTrue();
      Thread.sleep(1);
    }
    second.close();
    waiting.join();
  }

  @Test
  void waitingEndsWithAPartOfAPass() {
    try (Arrivals.Arrival stuck = arrivals.announce()) {
      assertThat(stuck).isNotNull();
      arrivals.await(); // no pass has run yet
      arrivals.passTook(1_000);
      arrivals.await();
    }
  }

  @Test
  void whoeverTakesTooLongIsNotWaitedFor() {
    Arrivals impatient = new Arrivals(Duration.ZERO);
    impatient.passTook(FOREVER.toNanos());
    try (Arrivals.Arrival stuck = impatient.announce()) {
      assertThat(stuck).isNotNull();
      impatient.await();
    }
  }
}
