package dev.loupe.standalone.client;

import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;

/** Keeps a call's single answer. */
record OneAnswer<T>(CompletableFuture<T> answer) implements StreamObserver<T> {
  @Override
  public void onNext(T value) {
    answer.complete(value);
  }

  @Override
  public void onError(Throwable error) {
    answer.completeExceptionally(error);
  }

  @Override
  public void onCompleted() {
    if (!answer.isDone()) {
      answer.completeExceptionally(new IllegalStateException("the call ended without an answer"));
    }
  }
}
