package dev.loupe.inference.scheduling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class DeviceSchedulerTest {
  private final DeviceScheduler scheduler = new DeviceScheduler(100);
  private final List<String> order = Collections.synchronizedList(new ArrayList<>());

  private static Call call(String tenant) {
    return Call.of(tenant);
  }

  /** Queues a request and returns once it waits. */
  private Thread queued(String tenant, String label) throws InterruptedException {
    int before = scheduler.waiting();
    Thread thread =
        new Thread(
            () -> {
              try (DeviceTurn turn = scheduler.take(call(tenant))) {
                assertThat(turn).isNotNull();
                order.add(label);
              }
            });
    thread.start();
    while (scheduler.waiting() == before) {
      Thread.sleep(1);
    }
    return thread;
  }

  @Test
  void turnsGoRoundBetweenTenants() throws Exception {
    List<Thread> threads = new ArrayList<>();
    try (DeviceTurn first = scheduler.take(call("a"))) {
      assertThat(first).isNotNull();
      for (int i = 0; i < 4; i++) {
        threads.add(queued("a", "a" + i));
      }
      threads.add(queued("b", "b0"));
      threads.add(queued("b", "b1"));
      threads.add(queued("c", "c0"));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(order).containsExactly("a0", "b0", "c0", "a1", "b1", "a2", "a3");
    assertThat(scheduler.waiting()).isZero();
  }

  @Test
  void refusesWhatWouldWaitBehindTooMany() throws Exception {
    DeviceScheduler small = new DeviceScheduler(1);
    Thread waiter;
    try (DeviceTurn first = small.take(call("a"))) {
      assertThat(first).isNotNull();
      waiter = new Thread(() -> small.take(call("a")).close());
      waiter.start();
      while (small.waiting() == 0) {
        Thread.sleep(1);
      }
      assertThatThrownBy(() -> small.take(call("b")))
          .isInstanceOfSatisfying(
              LoupeException.class, e -> assertThat(e.reason()).isEqualTo(ErrorReason.QUEUE_FULL));
    }
    waiter.join();
    small.take(call("b")).close();
  }

  @Test
  void whoeverGoesAwayLeavesTheQueue() throws Exception {
    AtomicBoolean refused = new AtomicBoolean();
    Caller leaving = new Caller("b");
    try (DeviceTurn first = scheduler.take(call("a"))) {
      assertThat(first).isNotNull();
      Thread waiter =
          new Thread(
              () -> {
                try {
                  scheduler.take(leaving.call());
                } catch (LoupeException e) {
                  refused.set(true);
                }
              });
      waiter.start();
      while (scheduler.waiting() == 0) {
        Thread.sleep(1);
      }
      leaving.leave();
      waiter.join();
    }
    assertThat(refused).isTrue();
    assertThat(scheduler.waiting()).isZero();
    scheduler.take(call("c")).close();
  }

  @Test
  void othersHaveTheDeviceWhileOneWaitsForSomethingElse() throws Exception {
    try (DeviceTurn turn = scheduler.take(call("a"))) {
      String seen =
          turn.whileWaiting(
              () -> {
                scheduler.take(call("b")).close();
                return "done";
              });
      assertThat(seen).isEqualTo("done");
      Thread waiter = queued("c", "c");
      assertThat(order).isEmpty();
      turn.close();
      waiter.join();
    }
    assertThat(order).containsExactly("c");
  }

  @Test
  void aFailedWaitDoesNotKeepTheDevice() {
    assertThatThrownBy(
            () -> {
              try (DeviceTurn turn = scheduler.take(call("a"))) {
                turn.whileWaiting(
                    () -> {
                      throw new IllegalStateException("no answer");
                    });
              }
            })
        .isInstanceOf(IllegalStateException.class);
    scheduler.take(call("b")).close();
  }

  @Test
  void longWorkGivesWayToThoseThatWait() throws Exception {
    DeviceScheduler impatient = new DeviceScheduler(100, Duration.ZERO);
    try (DeviceTurn turn = impatient.take(call("a"))) {
      turn.giveWay();
      assertThat(order).as("nobody waits").isEmpty();
      Thread waiter =
          new Thread(
              () -> {
                try (DeviceTurn other = impatient.take(call("b"))) {
                  assertThat(other).isNotNull();
                  order.add("b");
                }
              });
      waiter.start();
      while (impatient.waiting() == 0) {
        Thread.sleep(1);
      }
      turn.control().beforeLayer(0);
      order.add("a");
      waiter.join();
    }
    assertThat(order).containsExactly("b", "a");
    impatient.take(call("c")).close();
  }

  @Test
  void shortWorkKeepsItsTurn() throws Exception {
    DeviceScheduler patient = new DeviceScheduler(100, Duration.ofHours(1));
    Thread waiter;
    try (DeviceTurn turn = patient.take(call("a"))) {
      waiter = new Thread(() -> patient.take(call("b")).close());
      waiter.start();
      while (patient.waiting() == 0) {
        Thread.sleep(1);
      }
      turn.giveWay();
      assertThat(patient.waiting()).isEqualTo(1);
    }
    waiter.join();
  }

  @Test
  void givingWayEndsWithTheCaller() {
    Caller leaving = new Caller("a");
    try (DeviceTurn turn = scheduler.take(leaving.call())) {
      turn.giveWay();
      leaving.leave();
      assertThatThrownBy(turn::giveWay).hasMessageContaining("gone");
    }
    scheduler.take(call("b")).close();
  }

  @Test
  void neverTwoAtATime() throws Exception {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 8; t++) {
      String tenant = "t" + t % 3;
      Thread thread =
          new Thread(
              () -> {
                for (int i = 0; i < 200; i++) {
                  try (DeviceTurn turn = scheduler.take(call(tenant))) {
                    assertThat(turn).isNotNull();
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    inside.decrementAndGet();
                  }
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(most).hasValue(1);
  }
}
