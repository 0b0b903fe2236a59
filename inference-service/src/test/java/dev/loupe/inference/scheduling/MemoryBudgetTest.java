package dev.loupe.inference.scheduling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemoryBudgetTest {
  private final MemoryBudget budget = new MemoryBudget(1_000, Duration.ofMillis(50));

  private static void outOfBudget(String message, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            LoupeException.class, e -> assertThat(e.reason()).isEqualTo(ErrorReason.OUT_OF_BUDGET))
        .hasMessageContaining(message);
  }

  @Test
  void saysWhatWouldFit() {
    outOfBudget(
        "send at most 2 such rows", () -> budget.reserve(new PassCost(8, 4_000), Call.internal()));
    outOfBudget("send shorter rows", () -> budget.reserve(new PassCost(1, 4_000), Call.internal()));
  }

  @Test
  void waitsForMemoryAndGivesUp() throws Exception {
    MemoryBudget.Reservation held = budget.reserve(new PassCost(1, 800), Call.internal());
    outOfBudget("others hold 800", () -> budget.reserve(new PassCost(1, 300), Call.internal()));
    MemoryBudget patient = new MemoryBudget(1_000, Duration.ofSeconds(60));
    MemoryBudget.Reservation first = patient.reserve(new PassCost(1, 800), Call.internal());
    Thread waiter =
        new Thread(() -> patient.reserve(new PassCost(1, 300), Call.internal()).close());
    waiter.start();
    first.close();
    waiter.join();
    assertThat(patient.reserved()).isZero();
    held.close();
    held.close();
    assertThat(budget.reserved()).isZero();
  }

  @Test
  void predictsTheBytesOfAHookPoint() {
    GptConfig config = GptConfig.gpt2(2, 4, 32, 48, 211, 210);
    HookPoint pattern = HookPoint.of(HookKind.PATTERN, 1);
    assertThat(PassCost.bytes(config, pattern, 3, 17)).isEqualTo(4L * 3 * 4 * 17 * 17);
    HookPoint z = HookPoint.of(HookKind.Z, 0);
    assertThat(PassCost.bytes(config, z, 3, 17)).isEqualTo(4L * 3 * 17 * 32);
    PassCost without = PassCost.of(config, 3, 17, LogitsMode.NONE, List.of());
    PassCost with = PassCost.of(config, 3, 17, LogitsMode.NONE, List.of(z, pattern));
    assertThat(with.bytes() - without.bytes()).isEqualTo(4L * 3 * 17 * 32 + 4L * 3 * 4 * 17 * 17);
  }
}
