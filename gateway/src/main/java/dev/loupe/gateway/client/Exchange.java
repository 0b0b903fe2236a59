package dev.loupe.gateway.client;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/**
 * Sends everything that there is to send on a stream, as fast as the other side takes it, while it
 * hands on what comes back.
 */
final class Exchange<Q, R> implements ClientResponseObserver<Q, R> {
  private final Iterator<Q> requests;
  private final Consumer<R> responses;
  private final CompletableFuture<Void> end = new CompletableFuture<>();
  private ClientCallStreamObserver<Q> call;
  private boolean halfClosed;

  /**
   * @param requests read on gRPC's threads
   * @param responses called on gRPC's threads, one after another
   */
  Exchange(Iterator<Q> requests, Consumer<R> responses) {
    this.requests = requests;
    this.responses = responses;
  }

  /**
   * Waits for the end of the stream, which comes at the latest with the context's deadline.
   *
   * @throws StatusRuntimeException when the other side ended it with an error
   */
  void await() {
    try {
      end.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException known) {
        throw known;
      }
      throw e;
    }
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<Q> started) {
    call = started;
    started.setOnReadyHandler(this::pump);
  }

  private synchronized void pump() {
    while (!halfClosed && call.isReady()) {
      if (requests.hasNext()) {
        call.onNext(requests.next());
      } else {
        halfClosed = true;
        call.onCompleted();
      }
    }
  }

  @Override
  public void onNext(R response) {
    try {
      responses.accept(response);
    } catch (RuntimeException e) {
      end.completeExceptionally(e);
      call.cancel("the response is not what was asked for", e);
    }
  }

  @Override
  public void onError(Throwable error) {
    end.completeExceptionally(error);
  }

  @Override
  public void onCompleted() {
    end.complete(null);
  }
}
