package dev.loupe.server.streams;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/**
 * Sends a stream's responses no faster than the client reads them. {@link #send} waits while more
 * than {@link StreamLimits#readyBytes} are buffered, so memory stays bounded however slow the
 * client is.
 *
 * <p>Threads may share a sender; one message is sent at a time. A waiting thread wakes when the
 * client cancels, goes away or lets its deadline pass.
 */
public final class StreamSender<R> {
  private final ServerCallStreamObserver<R> observer;
  private final CallState state;
  private final StreamLimits limits;

  StreamSender(ServerCallStreamObserver<R> observer, CallState state, StreamLimits limits) {
    this.observer = observer;
    this.state = state;
    this.limits = limits;
    observer.setOnReadyThreshold(limits.readyBytes());
    observer.setOnReadyHandler(state::changed);
    // Also keeps onNext from throwing once the client is gone: isCancelled says it instead.
    observer.setOnCancelHandler(state::changed);
  }

  /**
   * A sender for a call that {@link BlockingCalls} does not run. Must be made inside the service
   * method, before it returns.
   */
  public static <R> StreamSender<R> of(StreamObserver<R> responses, StreamLimits limits) {
    ServerCallStreamObserver<R> observer = (ServerCallStreamObserver<R>) responses;
    return new StreamSender<>(observer, new CallState(observer), limits);
  }

  /**
   * Sends one response as soon as the client has room for it.
   *
   * @throws LoupeException CALL_CANCELLED when the client is gone; CLIENT_TOO_SLOW when it reads
   *     nothing for longer than {@link StreamLimits#sendPatience}
   */
  public synchronized void send(R response) {
    state.await(
        observer::isReady,
        limits.sendPatience(),
        () ->
            LoupeException.of(
                ErrorReason.CLIENT_TOO_SLOW,
                "the client read nothing for " + limits.sendPatience().toSeconds() + " s"));
    observer.onNext(response);
    state.moved();
  }

  /** Whether the client cancelled, went away, or let its deadline pass. */
  public boolean isCancelled() {
    return state.isCancelled();
  }

  /**
   * To be called now and then by long work that sends nothing.
   *
   * @throws LoupeException CALL_CANCELLED when the client is gone
   */
  public void throwIfCancelled() {
    state.throwIfCancelled();
  }

  /**
   * Ends the stream well. Only for senders made by {@link #of}; {@link BlockingCalls} ends its own.
   */
  public synchronized void complete() {
    if (!state.isCancelled()) {
      observer.onCompleted();
    }
  }
}
