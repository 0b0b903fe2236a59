package dev.loupe.inference.scheduling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.MemoryBudget;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
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
  void saysWhatWouldFitBesideTheOthers() {
    try (MemoryBudget.Reservation held = budget.reserve(new PassCost(1, 500), Call.internal())) {
      assertThat(held).isNotNull();
      outOfBudget(
          "send at most 5 such rows", () -> budget.reserve(new PassCost(8, 800), Call.of("b")));
    }
  }

  @Test
  void whoeverGoesAwayWaitsForNoMemory() throws Exception {
    MemoryBudget patient = new MemoryBudget(1_000, Duration.ofMinutes(10));
    Caller leaving = new Caller("b");
    AtomicReference<RuntimeException> refused = new AtomicReference<>();
    try (MemoryBudget.Reservation held = patient.reserve(new PassCost(1, 800), Call.internal())) {
      assertThat(held).isNotNull();
      Thread waiter =
          new Thread(
              () -> {
                try {
                  patient.reserve(new PassCost(1, 300), leaving.call());
                } catch (LoupeException e) {
                  refused.set(e);
                }
              });
      waiter.start();
      awaitWaiting(waiter);
      leaving.leave();
      waiter.join();
    }
    assertThat(refused.get()).hasMessageContaining("gone");
    assertThat(patient.reserved()).isZero();
    assertThat(leaving.isForgotten()).isTrue();
  }

  private static void awaitWaiting(Thread thread) throws InterruptedException {
    while (thread.getState() != Thread.State.WAITING
        && thread.getState() != Thread.State.TIMED_WAITING) {
      Thread.sleep(1);
    }
  }

  @Test
  void smallOnesPassALargeOneButNotWithoutEnd() throws Exception {
    MemoryBudget patient = new MemoryBudget(1_000, Duration.ofMinutes(10));
    MemoryBudget.Reservation first = patient.reserve(new PassCost(1, 100), Call.of("a"));
    Thread large =
        new Thread(() -> patient.reserve(new PassCost(1, 950), Call.of("large")).close());
    large.start();
    awaitWaiting(large);
    int passed = 0;
    while (passed < 1_000 && passes(patient)) {
      passed++;
    }
    assertThat(passed).isBetween(1, 100);
    first.close();
    large.join();
    assertThat(patient.reserved()).isZero();
  }

  /** Whether a small request gets memory although a large one waits; it leaves if not. */
  private static boolean passes(MemoryBudget budget) throws InterruptedException {
    Caller caller = new Caller("small");
    AtomicBoolean passed = new AtomicBoolean();
    Thread small =
        new Thread(
            () -> {
              try {
                budget.reserve(new PassCost(1, 10), caller.call()).close();
                passed.set(true);
              } catch (LoupeException e) {
                passed.set(false);
              }
            });
    small.start();
    small.join(10);
    if (small.isAlive()) {
      awaitWaitingOrDone(small);
      caller.leave();
      small.join();
    }
    return passed.get();
  }

  private static void awaitWaitingOrDone(Thread thread) throws InterruptedException {
    while (thread.isAlive()
        && thread.getState() != Thread.State.WAITING
        && thread.getState() != Thread.State.TIMED_WAITING) {
      Thread.sleep(1);
    }
  }

  @Test
  void countsWhatEditsTakeThoughNothingIsKept() {
    GptConfig config = GptConfig.gpt2(2, 4, 32, 48, 211, 210);
    HookPoint input = HookPoint.of(HookKind.Q_INPUT, 1);
    HookProgram edited =
        HookProgram.builder(config)
            .intervene(new Intervention(input, Selection.ALL, new Edit.Scale(2)))
            .build();
    long plain = PassCost.of(config, 3, 17, LogitsMode.NONE, HookProgram.none()).bytes();
    long with = PassCost.of(config, 3, 17, LogitsMode.NONE, edited).bytes();
    assertThat(with - plain).isGreaterThan(3 * PassCost.bytes(config, input, 3, 17));
  }

  @Test
  void countsLogitsEverywhereWhenTheirHookPointIsUsed() {
    GptConfig config = GptConfig.gpt2(2, 4, 32, 48, 211, 210);
    HookProgram end =
        HookProgram.builder(config).capture(HookPoint.of(HookKind.LN_FINAL_SCALE)).build();
    long last = PassCost.of(config, 3, 17, LogitsMode.LAST, HookProgram.none()).bytes();
    long all = PassCost.of(config, 3, 17, LogitsMode.LAST, end).bytes();
    assertThat(all - last).isGreaterThan(4L * 3 * 16 * 211);
  }

  @Test
  void predictsTheBytesOfAHookPoint() {
    GptConfig config = GptConfig.gpt2(2, 4, 32, 48, 211, 210);
    HookPoint pattern = HookPoint.of(HookKind.PATTERN, 1);
    assertThat(PassCost.bytes(config, pattern, 3, 17)).isEqualTo(4L * 3 * 4 * 17 * 17);
    HookPoint z = HookPoint.of(HookKind.Z, 0);
    assertThat(PassCost.bytes(config, z, 3, 17)).isEqualTo(4L * 3 * 17 * 32);
    List<HookPoint> all =
        List.of(z, pattern, HookPoint.of(HookKind.Z, 1), HookPoint.of(HookKind.PATTERN, 0));
    PassCost without = PassCost.of(config, 3, 17, LogitsMode.NONE, all.subList(0, 2));
    PassCost with = PassCost.of(config, 3, 17, LogitsMode.NONE, all);
    assertThat(with.bytes() - without.bytes())
        .isBetween(4L * 3 * 17 * (32 + 4 * 17), 2 * 4L * 3 * 17 * (32 + 4 * 17));
  }
}
