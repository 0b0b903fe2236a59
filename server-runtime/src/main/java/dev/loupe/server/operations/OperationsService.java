package dev.loupe.server.operations;

import com.google.longrunning.CancelOperationRequest;
import com.google.longrunning.DeleteOperationRequest;
import com.google.longrunning.GetOperationRequest;
import com.google.longrunning.ListOperationsRequest;
import com.google.longrunning.ListOperationsResponse;
import com.google.longrunning.Operation;
import com.google.longrunning.OperationsGrpc;
import com.google.longrunning.WaitOperationRequest;
import com.google.protobuf.Empty;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.Paging;
import dev.loupe.server.streams.WatchingCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Serves {@code google.longrunning.Operations} over a runner.
 *
 * <p>ListOperations takes a parent such as {@code dictionaries/a} as its name, or nothing or {@code
 * -} for all, and the filters {@code done=true} and {@code done=false}. WaitOperation waits for at
 * most a minute and then gives the state as it is, as its definition allows.
 */
public final class OperationsService extends OperationsGrpc.OperationsImplBase {
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(1);

  private final OperationRunner runner;
  private final WatchingCalls calls;
  private final Paging paging = new Paging(50, 1_000);

  /**
   * @param runner whose operations are served
   * @param calls answer the waiting ones
   */
  public OperationsService(OperationRunner runner, WatchingCalls calls) {
    this.runner = runner;
    this.calls = calls;
  }

  @Override
  public void getOperation(GetOperationRequest request, StreamObserver<Operation> responses) {
    answer(responses, runner.get(request.getName()));
  }

  @Override
  public void listOperations(
      ListOperationsRequest request, StreamObserver<ListOperationsResponse> responses) {
    int size = paging.size(request.getPageSize());
    String from = paging.place(request, request.getPageToken());
    String parent = request.getName().replaceFirst("^(-|operations)$|/operations$", "");
    List<Operation> rest =
        runner.list(parent).stream()
            .filter(filter(request.getFilter()))
            .filter(operation -> operation.getName().compareTo(from) > 0)
            .limit(size + 1L)
            .toList();
    List<Operation> page = rest.subList(0, Math.min(size, rest.size()));
    ListOperationsResponse.Builder response =
        ListOperationsResponse.newBuilder().addAllOperations(page);
    if (rest.size() > size) {
      response.setNextPageToken(paging.token(request, page.get(size - 1).getName()));
    }
    answer(responses, response.build());
  }

  @Override
  public void cancelOperation(CancelOperationRequest request, StreamObserver<Empty> responses) {
    runner.cancel(request.getName());
    answer(responses, Empty.getDefaultInstance());
  }

  @Override
  public void deleteOperation(DeleteOperationRequest request, StreamObserver<Empty> responses) {
    runner.delete(request.getName());
    answer(responses, Empty.getDefaultInstance());
  }

  @Override
  public void waitOperation(WaitOperationRequest request, StreamObserver<Operation> responses) {
    Duration patience = patience(request);
    calls.follow(
        responses,
        patience,
        changed -> new AwaitedEnd(runner.watch(request.getName()).onChange(changed), patience));
  }

  /** The state of an operation at its end, or once patience has ended. */
  private static final class AwaitedEnd implements WatchingCalls.Followed<Operation> {
    private final OperationWatch watch;
    private final long end;
    private Operation latest;
    private boolean given;

    AwaitedEnd(OperationWatch watch, Duration patience) {
      this.watch = watch;
      this.end = System.nanoTime() + patience.toNanos();
    }

    @Override
    public Optional<Operation> next() {
      latest = watch.next(Duration.ZERO).orElse(latest);
      given = watch.isFinished() || System.nanoTime() >= end;
      return given ? Optional.of(latest) : Optional.empty();
    }

    @Override
    public boolean isFinished() {
      return given;
    }

    @Override
    public void close() {
      watch.close();
    }
  }

  private static Duration patience(WaitOperationRequest request) {
    long seconds = request.getTimeout().getSeconds();
    int nanos = request.getTimeout().getNanos();
    if (seconds < 0 || nanos < 0) {
      throw LoupeException.invalidValue("timeout", seconds + " s", "0 or more");
    }
    boolean longest = !request.hasTimeout() || seconds >= LONGEST_WAIT.toSeconds();
    return longest ? LONGEST_WAIT : Duration.ofSeconds(seconds, nanos);
  }

  private static Predicate<Operation> filter(String filter) {
    return switch (filter.replace(" ", "")) {
      case "" -> operation -> true;
      case "done=true" -> Operation::getDone;
      case "done=false" -> operation -> !operation.getDone();
      default ->
          throw LoupeException.invalid(
              ErrorReason.INVALID_FILTER, "filter", filter, "done=true, done=false or nothing");
    };
  }

  private static <R> void answer(StreamObserver<R> responses, R response) {
    responses.onNext(response);
    responses.onCompleted();
  }
}
