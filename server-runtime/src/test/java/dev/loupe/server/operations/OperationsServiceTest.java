package dev.loupe.server.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.longrunning.CancelOperationRequest;
import com.google.longrunning.DeleteOperationRequest;
import com.google.longrunning.GetOperationRequest;
import com.google.longrunning.ListOperationsRequest;
import com.google.longrunning.ListOperationsResponse;
import com.google.longrunning.Operation;
import com.google.longrunning.OperationsGrpc;
import com.google.longrunning.WaitOperationRequest;
import com.google.protobuf.Duration;
import com.google.protobuf.StringValue;
import dev.loupe.server.Channels;
import dev.loupe.server.GrpcServer;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.streams.WatchingCalls;
import io.grpc.ManagedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class OperationsServiceTest {
  private static final StringValue TEXT = StringValue.of("text");

  private final OperationRunner runner = new OperationRunner(OperationStore.inMemory(), 2, 10);
  private final WatchingCalls calls = new WatchingCalls("test", 100);
  private final GrpcServer server =
      GrpcServer.builder().service(new OperationsService(runner, calls)).start();
  private final ManagedChannel channel = Channels.plaintext("127.0.0.1:" + server.port());
  private final OperationsGrpc.OperationsBlockingStub operations =
      OperationsGrpc.newBlockingStub(channel);

  @AfterEach
  void close() {
    runner.close();
    Channels.close(channel);
    server.close();
    calls.close();
  }

  private Operation start(String parent) {
    return runner.start(parent, TEXT, TEXT, context -> TEXT);
  }

  private Operation waitFor(String name, int seconds) {
    return operations.waitOperation(
        WaitOperationRequest.newBuilder()
            .setName(name)
            .setTimeout(Duration.newBuilder().setSeconds(seconds))
            .build());
  }

  @Test
  void waitsForTheEndOrForTheTimeout() {
    CountDownLatch mayEnd = new CountDownLatch(1);
    Operation operation =
        runner.start(
            "dictionaries/a",
            TEXT,
            TEXT,
            context -> {
              mayEnd.await();
              return TEXT;
            });
    assertThat(waitFor(operation.getName(), 0).getDone()).isFalse();
    mayEnd.countDown();
    Operation done = waitFor(operation.getName(), 20);
    assertThat(done.hasResponse()).isTrue();
    assertThat(get(operation.getName())).isEqualTo(done);
    assertReason(() -> waitFor(operation.getName(), -1), ErrorReason.INVALID_VALUE);
    assertReason(
        () -> waitFor("dictionaries/a/operations/none", 1), ErrorReason.OPERATION_NOT_FOUND);
  }

  @Test
  void waitersHoldNoThreadAndAllSeeTheEnd() throws Exception {
    CountDownLatch mayEnd = new CountDownLatch(1);
    Operation operation =
        runner.start(
            "dictionaries/a",
            TEXT,
            TEXT,
            context -> {
              mayEnd.await();
              return TEXT;
            });
    WaitOperationRequest request =
        WaitOperationRequest.newBuilder().setName(operation.getName()).build();
    List<ListenableFuture<Operation>> waiters = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      waiters.add(OperationsGrpc.newFutureStub(channel).waitOperation(request));
    }
    while (calls.open() < 100) {
      Thread.onSpinWait();
    }
    // It starts when the first call is looked at, which may come after the last has begun.
    while (watchingThreads() == 0) {
      Thread.onSpinWait();
    }
    assertThat(watchingThreads()).isEqualTo(1);
    assertReason(() -> waitFor(operation.getName(), 20), ErrorReason.QUEUE_FULL);
    assertThat(get(operation.getName()).getDone()).isFalse();
    waiters.remove(0).cancel(true);
    while (calls.open() == 100) {
      Thread.onSpinWait();
    }
    assertThat(waitFor(operation.getName(), 0).getDone()).isFalse();
    mayEnd.countDown();
    for (ListenableFuture<Operation> waiter : waiters) {
      assertThat(waiter.get().hasResponse()).isTrue();
    }
  }

  private static long watchingThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("test-"))
        .count();
  }

  @Test
  void waitersEndWithTheServer() {
    CountDownLatch mayEnd = new CountDownLatch(1);
    Operation operation =
        runner.start(
            "dictionaries/a",
            TEXT,
            TEXT,
            context -> {
              mayEnd.await();
              return TEXT;
            });
    ListenableFuture<Operation> waiter =
        OperationsGrpc.newFutureStub(channel)
            .waitOperation(WaitOperationRequest.newBuilder().setName(operation.getName()).build());
    while (calls.open() == 0) {
      Thread.onSpinWait();
    }
    Thread closing = new Thread(runner::close);
    closing.start();
    assertThatThrownBy(waiter::get)
        .satisfies(
            e -> assertThat(LoupeErrors.reason(e.getCause())).contains(ErrorReason.SHUTTING_DOWN));
    mayEnd.countDown();
  }

  private Operation get(String name) {
    return operations.getOperation(GetOperationRequest.newBuilder().setName(name).build());
  }

  @Test
  void listsByParentInPages() {
    List<String> ofA = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ofA.add(waitFor(start("dictionaries/a").getName(), 20).getName());
    }
    waitFor(start("dictionaries/ab").getName(), 20);
    ListOperationsRequest first =
        ListOperationsRequest.newBuilder().setName("dictionaries/a").setPageSize(2).build();
    List<String> listed = new ArrayList<>();
    ListOperationsResponse page = operations.listOperations(first);
    listed.addAll(names(page));
    String second = page.getNextPageToken();
    while (!page.getNextPageToken().isEmpty()) {
      assertThat(page.getOperationsCount()).isEqualTo(2);
      page =
          operations.listOperations(
              first.toBuilder().setPageToken(page.getNextPageToken()).build());
      listed.addAll(names(page));
    }
    assertThat(listed).containsExactlyInAnyOrderElementsOf(ofA).isSorted();
    for (String all : List.of("", "-", "operations")) {
      assertThat(
              names(
                  operations.listOperations(
                      ListOperationsRequest.newBuilder().setName(all).build())))
          .hasSize(6);
    }
    assertReason(
        () ->
            operations.listOperations(
                ListOperationsRequest.newBuilder()
                    .setName("dictionaries/ab")
                    .setPageToken(second)
                    .build()),
        ErrorReason.INVALID_PAGE_TOKEN);
  }

  private static List<String> names(ListOperationsResponse page) {
    return page.getOperationsList().stream().map(Operation::getName).toList();
  }

  @Test
  void filtersByDone() throws Exception {
    String done = waitFor(start("dictionaries/a").getName(), 20).getName();
    CountDownLatch mayEnd = new CountDownLatch(1);
    String running =
        runner
            .start(
                "dictionaries/a",
                TEXT,
                TEXT,
                context -> {
                  mayEnd.await();
                  return TEXT;
                })
            .getName();
    assertThat(filtered("done=true")).containsExactly(done);
    assertThat(filtered("done = false")).containsExactly(running);
    assertReason(() -> filtered("name=x"), ErrorReason.INVALID_FILTER);
    mayEnd.countDown();
  }

  private List<String> filtered(String filter) {
    return names(
        operations.listOperations(ListOperationsRequest.newBuilder().setFilter(filter).build()));
  }

  @Test
  void cancelsAndDeletes() {
    CountDownLatch entered = new CountDownLatch(1);
    String name =
        runner
            .start(
                "dictionaries/a",
                TEXT,
                TEXT,
                context -> {
                  entered.countDown();
                  while (true) {
                    context.throwIfStopped();
                    Thread.sleep(2);
                  }
                })
            .getName();
    assertReason(() -> delete(name), ErrorReason.OPERATION_RUNNING);
    operations.cancelOperation(CancelOperationRequest.newBuilder().setName(name).build());
    assertThat(LoupeErrors.reason(waitFor(name, 20).getError()))
        .contains(ErrorReason.OPERATION_CANCELLED);
    delete(name);
    assertReason(() -> get(name), ErrorReason.OPERATION_NOT_FOUND);
    assertReason(() -> delete(name), ErrorReason.OPERATION_NOT_FOUND);
  }

  private void delete(String name) {
    operations.deleteOperation(DeleteOperationRequest.newBuilder().setName(name).build());
  }

  private static void assertReason(ThrowingCallable call, ErrorReason reason) {
    assertThatThrownBy(call).satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(reason));
  }
}
