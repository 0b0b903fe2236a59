package dev.loupe.server.streams;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Queue;

/**
 * A client's stream of requests, read by a plain loop. At most {@link StreamLimits#inboundMessages}
 * wait unread: the next is asked of the client only when one is taken, so a client that sends
 * faster than the handler reads is held back by gRPC's flow control.
 */
public final class InboundStream<Q> implements Iterator<Q> {
  private final ServerCallStreamObserver<?> observer;
  private final CallState state;
  private final StreamLimits limits;
  private final Queue<Q> waiting = new ArrayDeque<>();
  private boolean halfClosed;

  InboundStream(ServerCallStreamObserver<?> observer, CallState state, StreamLimits limits) {
    this.observer = observer;
    this.state = state;
    this.limits = limits;
    observer.disableAutoRequest();
    observer.request(limits.inboundMessages());
  }

  /**
   * Waits for the next request or the end of the stream.
   *
   * @return false once the client has half-closed and every request is read
   * @throws LoupeException CALL_CANCELLED when the client is gone; CLIENT_TOO_SLOW when it sends
   *     nothing for longer than {@link StreamLimits#receivePatience}
   */
  @Override
  public boolean hasNext() {
    state.await(
        this::decided,
        limits.receivePatience(),
        () ->
            LoupeException.of(
                ErrorReason.CLIENT_TOO_SLOW,
                "the client sent nothing for " + limits.receivePatience().toSeconds() + " s"));
    synchronized (state) {
      return !waiting.isEmpty();
    }
  }

  /**
   * Waits for the next request. Throws as {@link #hasNext} does.
   *
   * @throws NoSuchElementException at the end of the stream
   */
  @Override
  public Q next() {
    if (!hasNext()) {
      throw new NoSuchElementException("the client has half-closed");
    }
    return take();
  }

  /**
   * Waits for the next request, but not for long. Empty when nothing came in time, and at the end
   * of the stream, which {@link #isFinished} tells apart.
   *
   * @throws LoupeException CALL_CANCELLED when the client is gone
   */
  public Optional<Q> poll(Duration patience) {
    state.awaitOrGiveUp(this::decided, patience);
    synchronized (state) {
      return waiting.isEmpty() ? Optional.empty() : Optional.of(take());
    }
  }

  /** Whether the client has half-closed and every request is read. */
  public boolean isFinished() {
    synchronized (state) {
      return halfClosed && waiting.isEmpty();
    }
  }

  private boolean decided() {
    synchronized (state) {
      return halfClosed || !waiting.isEmpty();
    }
  }

  private Q take() {
    Q request;
    synchronized (state) {
      request = waiting.remove();
      state.moved();
    }
    observer.request(1);
    return request;
  }

  /** What gRPC feeds. */
  StreamObserver<Q> feed() {
    return new StreamObserver<>() {
      @Override
      public void onNext(Q request) {
        synchronized (state) {
          waiting.add(request);
          state.changed();
        }
      }

      @Override
      public void onError(Throwable t) {
        // The call is cancelled; the observer knows.
        synchronized (state) {
          waiting.clear();
          state.changed();
        }
      }

      @Override
      public void onCompleted() {
        synchronized (state) {
          halfClosed = true;
          state.changed();
        }
      }
    };
  }
}
