package dev.loupe.server.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What tenants hold beside each other. */
@Timeout(60)
class MemoryShareTest {
  private static final Duration SHORT = Duration.ofMillis(50);
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SILENCE = Duration.ofSeconds(5);

  private final MemoryBudget budget = new MemoryBudget(1_000, 750, SHORT, SILENCE);
  private final MemoryBudget patient = new MemoryBudget(1_000, 750, LONG, SILENCE);

  /** A call whose client is as silent as a test says, and that ends when it is told to. */
  private static final class Silent implements Claimant {
    private final String tenant;
    private final Duration silence;
    private final List<LoupeException> told = new ArrayList<>();
    private MemoryBudget.Reservation held;

    Silent(String tenant, long seconds) {
      this.tenant = tenant;
      this.silence = Duration.ofSeconds(seconds);
    }

    Silent hold(MemoryBudget from, long bytes) {
      held = from.reserve(need(bytes), this);
      return this;
    }

    @Override
    public String tenant() {
      return tenant;
    }

    @Override
    public void check() {}

    @Override
    public Departure departure() {
      return Departure.NEVER;
    }

    @Override
    public Duration silence() {
      return silence;
    }

    @Override
    public void dismiss(LoupeException why) {
      told.add(why);
      // On a thread of its own, as a call ends on its own.
      CompletableFuture.runAsync(held::close);
    }
  }

  private static MemoryNeed need(long bytes) {
    return new MemoryNeed() {
      @Override
      public long bytes() {
        return bytes;
      }

      @Override
      public String advice(long limit) {
        return "take " + limit;
      }
    };
  }

  private static Claimant call(String tenant) {
    return Claimant.of(tenant, () -> {});
  }

  private static void outOfBudget(String message, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            LoupeException.class, e -> assertThat(e.reason()).isEqualTo(ErrorReason.OUT_OF_BUDGET))
        .hasMessageContaining(message);
  }

  @Test
  void theCallsOfOneTenantLeaveSomeToOthers() {
    budget.reserve(need(350), call("a"));
    MemoryBudget.Reservation second = budget.reserve(need(350), call("a"));
    outOfBudget(
        "your other calls hold 700 of the 750 that one tenant may have; try again later, or take"
            + " 50",
        () -> budget.reserve(need(100), call("a")));
    assertThat(budget.tryReserve(100, call("a"))).isEmpty();
    budget.reserve(need(300), call("b"));
    second.close();
    second.close();
    budget.reserve(need(100), call("a"));
    assertThat(budget.reserved()).isEqualTo(750);
  }

  @Test
  void oneCallAloneMayHaveItAll() {
    Claimant call = call("a");
    MemoryBudget.Reservation first = budget.reserve(need(800), call);
    MemoryBudget.Reservation nested = budget.reserve(need(200), call);
    assertThat(budget.reserved()).isEqualTo(1_000);
    first.close();
    nested.close();
    assertThat(budget.reserved()).isZero();
  }

  @Test
  void aTenantThatWaitsForItsOwnCallsKeepsNobodyElseWaiting() throws Exception {
    MemoryBudget.Reservation own = patient.reserve(need(600), call("a"));
    CompletableFuture<MemoryBudget.Reservation> second =
        CompletableFuture.supplyAsync(() -> patient.reserve(need(200), call("a")));
    for (int i = 0; i < 100; i++) {
      patient.reserve(need(300), call("b")).close();
    }
    own.close();
    second.get(20, TimeUnit.SECONDS).close();
    assertThat(patient.reserved()).isZero();
  }

  @Test
  void silentCallsOfATenantThatHoldsMoreGiveWay() {
    List<Silent> silent = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      silent.add(new Silent("a", 6 + i).hold(patient, 240));
    }
    patient.reserve(need(200), call("b"));
    patient.reserve(need(300), call("c")).close();
    // The longest silent one was enough.
    assertThat(silent.get(0).told).isEmpty();
    assertThat(silent.get(1).told).isEmpty();
    assertThat(silent.get(2).told)
        .singleElement()
        .satisfies(e -> assertThat(e.reason()).isEqualTo(ErrorReason.OUT_OF_BUDGET))
        .satisfies(e -> assertThat(e.retryAfter()).isPresent())
        .satisfies(
            e ->
                assertThat(e)
                    .hasMessageContaining("the client was silent for 8 s")
                    .hasMessageContaining("the 240 bytes of memory"));
  }

  @Test
  void callsThatAreNotSilentAndSmallerTenantsGiveNoWay() {
    Silent busy = new Silent("a", 4).hold(budget, 700);
    Silent small = new Silent("b", 60).hold(budget, 200);
    outOfBudget("others hold 900", () -> budget.reserve(need(300), call("c")));
    assertThat(busy.told).isEmpty();
    assertThat(small.told).isEmpty();
  }

  @Test
  void aTenantsOwnSilentCallsGiveItNoMore() {
    Silent silent = new Silent("a", 60).hold(budget, 600);
    outOfBudget("your other calls hold 600", () -> budget.reserve(need(300), call("a")));
    assertThat(silent.told).isEmpty();
  }
}
