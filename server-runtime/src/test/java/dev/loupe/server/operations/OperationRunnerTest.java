package dev.loupe.server.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.longrunning.Operation;
import com.google.protobuf.Any;
import com.google.protobuf.Int64Value;
import com.google.protobuf.StringValue;
import com.google.rpc.Code;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class OperationRunnerTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final StringValue REQUEST = StringValue.of("train");

  private final OperationStore store = OperationStore.inMemory();
  private final OperationRunner runner = new OperationRunner(store, 1, 2);

  @AfterEach
  void close() {
    runner.close();
  }

  private Operation start(OperationWork work) {
    return runner.start("dictionaries/a", REQUEST, Int64Value.of(0), work);
  }

  /** Work that ends when it is told to stop. */
  private static OperationWork untilStopped(CountDownLatch entered) {
    return context -> {
      entered.countDown();
      while (true) {
        context.throwIfStopped();
        TimeUnit.MILLISECONDS.sleep(2);
      }
    };
  }

  @Test
  void anOperationEndsWithItsResponse() throws IOException {
    Operation started =
        start(
            context -> {
              context.progress(Int64Value.of(7));
              return StringValue.of("done");
            });
    assertThat(started.getName()).matches("dictionaries/a/operations/op-[0-9a-f]{11}-[0-9a-f]{6}");
    assertThat(started.getDone()).isFalse();
    Operation ended = runner.await(started.getName(), LONG);
    assertThat(ended.getDone()).isTrue();
    assertThat(ended.getResponse().unpack(StringValue.class)).isEqualTo(StringValue.of("done"));
    assertThat(ended.getMetadata().unpack(Int64Value.class)).isEqualTo(Int64Value.of(7));
    assertThat(runner.get(started.getName())).isEqualTo(ended);
    assertThat(store.get(started.getName()))
        .contains(new OperationRecord(ended, Any.pack(REQUEST)));
    assertThat(runner.unfinished()).isEmpty();
  }

  @Test
  void anOperationThatFailsSaysWhy() {
    Operation refused =
        runner.await(
            start(
                    context -> {
                      throw LoupeException.of(
                          ErrorReason.INFERENCE_UNAVAILABLE, "inference is away");
                    })
                .getName(),
            LONG);
    assertThat(refused.getError().getCode()).isEqualTo(Code.UNAVAILABLE_VALUE);
    assertThat(LoupeErrors.reason(refused.getError())).contains(ErrorReason.INFERENCE_UNAVAILABLE);

    Operation broken =
        runner.await(
            start(
                    context -> {
                      throw new OutOfMemoryError("a secret");
                    })
                .getName(),
            LONG);
    assertThat(broken.getError().getCode()).isEqualTo(Code.INTERNAL_VALUE);
    assertThat(broken.getError().getMessage()).doesNotContain("secret");
    assertThat(runner.await(start(context -> REQUEST).getName(), LONG).hasResponse()).isTrue();
  }

  @Test
  void aRunningAndAQueuedOperationCanBeCancelled() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    Operation running = start(untilStopped(entered));
    entered.await();
    Operation queued = start(context -> REQUEST);
    runner.cancel(queued.getName());
    assertThat(runner.get(queued.getName()).getDone()).as("at once, while the other runs").isTrue();
    assertThat(runner.get(running.getName()).getDone()).isFalse();
    assertThatThrownBy(() -> runner.delete(running.getName()))
        .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.OPERATION_RUNNING));
    runner.cancel(running.getName());
    for (Operation operation : List.of(running, queued)) {
      Operation ended = runner.await(operation.getName(), LONG);
      assertThat(ended.getError().getCode()).isEqualTo(Code.CANCELLED_VALUE);
      assertThat(LoupeErrors.reason(ended.getError())).contains(ErrorReason.OPERATION_CANCELLED);
    }
    runner.delete(running.getName());
    assertThatThrownBy(() -> runner.get(running.getName()))
        .satisfies(
            t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.OPERATION_NOT_FOUND));
  }

  @Test
  void cancellingWhatIsDoneChangesNothing() {
    Operation done = runner.await(start(context -> REQUEST).getName(), LONG);
    runner.cancel(done.getName());
    assertThat(runner.get(done.getName())).isEqualTo(done);
    assertThatThrownBy(() -> runner.cancel("dictionaries/a/operations/none"))
        .satisfies(
            t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.OPERATION_NOT_FOUND));
  }

  @Test
  void moreThanTheQueueHoldsIsRefusedAndNotStored() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    start(untilStopped(entered));
    entered.await();
    start(context -> REQUEST);
    start(context -> REQUEST);
    assertThatThrownBy(() -> start(context -> REQUEST))
        .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.QUEUE_FULL));
    assertThat(store.list()).hasSize(3);
    assertThat(runner.unfinished()).hasSize(3);
  }

  @Test
  void aSlowWatcherSeesTheNewestStateAndTheLast() throws Exception {
    Semaphore steps = new Semaphore(0);
    Semaphore stepped = new Semaphore(0);
    Operation operation =
        start(
            context -> {
              for (int step = 1; step <= 10; step++) {
                steps.acquire();
                context.progress(Int64Value.of(step));
                stepped.release();
              }
              steps.acquire();
              return REQUEST;
            });
    List<Long> seen = new ArrayList<>();
    try (OperationWatch watch = runner.watch(operation.getName())) {
      seen.add(step(watch.next(LONG).orElseThrow()));
      assertThat(watch.next(Duration.ofMillis(5))).as("nothing new yet").isEmpty();
      steps.release(4);
      stepped.acquire(4);
      seen.add(step(watch.next(LONG).orElseThrow()));
      steps.release(6);
      stepped.acquire(6);
      seen.add(step(watch.next(LONG).orElseThrow()));
      assertThat(watch.isFinished()).isFalse();
      steps.release();
      assertThat(watch.next(LONG).orElseThrow().getDone()).isTrue();
      assertThat(watch.isFinished()).isTrue();
      assertThat(watch.next(LONG)).isEmpty();
    }
    assertThat(seen).containsExactly(0L, 4L, 10L);
    try (OperationWatch late = runner.watch(operation.getName())) {
      assertThat(late.next(Duration.ZERO).orElseThrow().getDone()).isTrue();
      assertThat(late.isFinished()).isTrue();
    }
  }

  private static long step(Operation operation) throws IOException {
    return operation.getMetadata().unpack(Int64Value.class).getValue();
  }

  @Test
  void whatAShutdownCutsGoesOnAfterwardsUnderItsName(@TempDir Path folder) throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    Operation cut;
    Operation queued;
    try (OperationRunner first = new OperationRunner(OperationStore.inFolder(folder), 1, 2)) {
      cut =
          first.start(
              "dictionaries/a",
              REQUEST,
              Int64Value.of(0),
              context -> {
                context.progress(Int64Value.of(5));
                return untilStopped(entered).run(context);
              });
      queued =
          first.start(
              "dictionaries/b", StringValue.of("other"), Int64Value.of(0), context -> REQUEST);
      entered.await();
    }
    OperationStore reopened = OperationStore.inFolder(folder);
    assertThat(reopened.list())
        .extracting(OperationRecord::operation)
        .noneMatch(Operation::getDone);
    try (OperationRunner second = new OperationRunner(reopened, 1, 2)) {
      int resumed =
          second.recover(
              record -> {
                if (!record.request().equals(Any.pack(REQUEST))) {
                  return Optional.empty();
                }
                long from = unpackStep(record);
                return Optional.of(context -> Int64Value.of(from + 1));
              });
      assertThat(resumed).isEqualTo(1);
      Operation ended = second.await(cut.getName(), LONG);
      assertThat(ended.getResponse().unpack(Int64Value.class)).isEqualTo(Int64Value.of(6));
      Operation failed = second.get(queued.getName());
      assertThat(failed.getError().getCode()).isEqualTo(Code.ABORTED_VALUE);
      assertThat(LoupeErrors.reason(failed.getError())).contains(ErrorReason.INTERRUPTED);
    }
    assertThat(OperationStore.inFolder(folder).list())
        .extracting(OperationRecord::operation)
        .allMatch(Operation::getDone);
  }

  private static long unpackStep(OperationRecord record) {
    try {
      return step(record.operation());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void watchersEndWithTheServer() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    Operation operation = start(untilStopped(entered));
    entered.await();
    OperationWatch watch = runner.watch(operation.getName());
    watch.next(LONG);
    runner.close();
    assertThatThrownBy(() -> watch.next(LONG))
        .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.SHUTTING_DOWN));
    assertThatThrownBy(() -> start(context -> REQUEST))
        .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.SHUTTING_DOWN));
  }

  @Test
  void anEndThatCannotBeStoredIsStillTold() throws Exception {
    OperationStore failing =
        new OperationStore() {
          private int puts;

          @Override
          public void put(OperationRecord record) {
            if (puts++ > 0) {
              throw LoupeException.of(ErrorReason.STORAGE_FULL, "the disk is full");
            }
            store.put(record);
          }

          @Override
          public Optional<OperationRecord> get(String name) {
            return store.get(name);
          }

          @Override
          public List<OperationRecord> list() {
            return store.list();
          }

          @Override
          public void delete(String name) {
            store.delete(name);
          }
        };
    try (OperationRunner full = new OperationRunner(failing, 1, 1)) {
      String name =
          full.start("dictionaries/a", REQUEST, Int64Value.of(0), context -> REQUEST).getName();
      assertThat(full.await(name, LONG).hasResponse()).isTrue();
      assertThat(full.get(name).hasResponse()).isTrue();
      assertThat(full.unfinished()).isEmpty();
      full.delete(name);
      assertThat(full.list("")).isEmpty();
      assertThatThrownBy(() -> full.start("dictionaries/a", REQUEST, REQUEST, context -> REQUEST))
          .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.STORAGE_FULL));
    }
  }
}
