package dev.loupe.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EngineThreadsTest {
  private final EngineThreads threads = new EngineThreads();

  @Test
  void allWorkIsDoneByOneThread() throws InterruptedException {
    Set<Thread> seen = new HashSet<>(); // written by the one thread, if the test holds
    Thread[] callers = new Thread[8];
    for (int i = 0; i < callers.length; i++) {
      callers[i] =
          new Thread(
              () -> {
                for (int work = 0; work < 200; work++) {
                  threads.run(() -> seen.add(Thread.currentThread()));
                }
              });
      callers[i].start();
    }
    for (Thread caller : callers) {
      caller.join();
    }
    assertThat(seen).hasSize(1).doesNotContain(Thread.currentThread());
  }

  @Test
  void whileWorkIsPausedAnotherThreadTakesItsPlaceAndEndsAfterwards() throws Exception {
    CountDownLatch isPaused = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    FutureTask<Thread> pausing =
        new FutureTask<>(
            () ->
                threads.run(
                    () ->
                        threads.pause(
                            () -> {
                              isPaused.countDown();
                              await(goOn);
                              return Thread.currentThread();
                            })));
    new Thread(pausing).start();
    isPaused.await();
    Thread second = threads.run(Thread::currentThread);
    assertThat(threads.<Thread>run(Thread::currentThread)).isSameAs(second);
    goOn.countDown();
    Thread first = pausing.get();
    assertThat(second).isNotSameAs(first);
    // One of the two goes on, whichever has the next work; the other ends.
    while (first.isAlive() && second.isAlive()) {
      Thread.sleep(1);
    }
    Thread left = threads.run(Thread::currentThread);
    assertThat(left).isSameAs(first.isAlive() ? first : second);
  }

  @Test
  void givesWhatWorkGivesAndThrowsWhatItThrows() {
    assertThat(threads.run(() -> 7)).isEqualTo(7);
    IllegalStateException failure = new IllegalStateException("no");
    assertThatThrownBy(
            () ->
                threads.run(
                    () -> {
                      throw failure;
                    }))
        .isSameAs(failure);
    AssertionError error = new AssertionError("never");
    assertThatThrownBy(
            () ->
                threads.run(
                    () -> {
                      throw error;
                    }))
        .isSameAs(error);
    assertThat(threads.run(() -> 8)).isEqualTo(8);
  }

  @Test
  void anInterruptReachesTheWorkAndTheCallerStillWaitsForItsEnd() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    AtomicReference<String> end = new AtomicReference<>("none");
    FutureTask<Boolean> calling =
        new FutureTask<>(
            () -> {
              threads.run(
                  () -> {
                    begun.countDown();
                    await(new CountDownLatch(1));
                    end.set("interrupted");
                    return null;
                  });
              assertThat(end.get()).isEqualTo("interrupted");
              return Thread.currentThread().isInterrupted();
            });
    Thread caller = new Thread(calling);
    caller.start();
    begun.await();
    caller.interrupt();
    assertThat(calling.get()).isTrue();
    assertThat(threads.run(() -> Thread.currentThread().isInterrupted())).isFalse();
  }

  /** Returns early when interrupted. */
  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      // What the test is about.
    }
  }
}
