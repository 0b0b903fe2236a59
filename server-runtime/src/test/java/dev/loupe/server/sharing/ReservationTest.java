package dev.loupe.server.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class ReservationTest {
  private final MemoryBudget budget = new MemoryBudget(1_000, Duration.ofMinutes(10));

  private record Bytes(long bytes) implements MemoryNeed {
    @Override
    public String advice(long limit) {
      return "take " + limit;
    }
  }

  @Test
  void givesBackSomeAndWakesWhoWaitsForIt() throws Exception {
    MemoryBudget.Reservation large = budget.reserve(new Bytes(900), Claimant.of("a", () -> {}));
    Thread waiter =
        new Thread(() -> budget.reserve(new Bytes(500), Claimant.of("b", () -> {})).close());
    waiter.start();
    large.shrinkTo(400);
    waiter.join();
    assertThat(budget.reserved()).isEqualTo(400);
    large.shrinkTo(800);
    assertThat(budget.reserved()).isEqualTo(400);
    large.close();
    large.close();
    assertThat(budget.reserved()).isZero();
  }

  @Test
  void saysWhatCouldEverFit() {
    budget.requireFits(new Bytes(1_000));
    assertThatThrownBy(() -> budget.requireFits(new Bytes(1_001)))
        .hasMessageContaining("take 1000")
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.OUT_OF_BUDGET))
        .satisfies(e -> assertThat(LoupeErrors.passes(e)).isFalse());
  }

  /** A claimant that does not tell that it goes away is looked at now and then. */
  @Test
  void whoeverGoesAwayInSilenceWaitsNoLonger() throws Exception {
    AtomicBoolean gone = new AtomicBoolean();
    Claimant silent =
        Claimant.of(
            "b",
            () -> {
              if (gone.get()) {
                throw LoupeException.of(ErrorReason.CALL_CANCELLED, "gone");
              }
            });
    try (MemoryBudget.Reservation held =
        budget.reserve(new Bytes(900), Claimant.of("a", () -> {}))) {
      assertThat(held).isNotNull();
      Thread waiter =
          new Thread(
              () ->
                  assertThatThrownBy(() -> budget.reserve(new Bytes(500), silent))
                      .hasMessageContaining("gone"));
      waiter.start();
      gone.set(true);
      waiter.join();
      assertThat(budget.reserved()).isEqualTo(900);
    }
  }
}
