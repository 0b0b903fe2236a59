package dev.loupe.server.streams;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.threads.NamedThreads;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs calls that take long, or stream, as plain blocking code, each on a thread of its own from a
 * bounded pool, so that gRPC's threads stay free. A call beyond the bound is refused with
 * RESOURCE_EXHAUSTED (QUEUE_FULL).
 *
 * <p>A handler that returns ends its call well; one that throws ends it with the status that {@link
 * LoupeErrors} gives. A client that goes away wakes its handler out of {@link StreamSender#send}
 * and {@link InboundStream#next} with CALL_CANCELLED, and cancels {@link Context#current()}, which
 * handlers can listen to and which calls that they make follow. Threads are never interrupted for
 * it: an interrupt closes files that are being written.
 */
public final class BlockingCalls implements AutoCloseable {
  /** Handles a call in which both sides stream. */
  @FunctionalInterface
  public interface BidiHandler<Q, R> {
    /** Reads requests, sends responses, and returns to end the call. */
    void handle(InboundStream<Q> requests, StreamSender<R> responses) throws Exception;
  }

  /** Handles a call in which the client streams. */
  @FunctionalInterface
  public interface ClientStreamHandler<Q, R> {
    /** Reads requests and gives the one response. */
    R handle(InboundStream<Q> requests) throws Exception;
  }

  /** Handles a call in which the server streams. */
  @FunctionalInterface
  public interface ServerStreamHandler<R> {
    /** Sends responses, and returns to end the call. */
    void handle(StreamSender<R> responses) throws Exception;
  }

  /** Surrounds the handler of every call, on the call's thread. */
  @FunctionalInterface
  public interface Around {
    /** Runs the handler, and lets what it throws through. */
    void run(Callable<Void> handler) throws Exception;
  }

  private static final Logger log = LoggerFactory.getLogger(BlockingCalls.class);

  private final ThreadPoolExecutor threads;
  private final Around around;

  /**
   * @param name of the threads
   * @param maxCalls that run at once, 1 or more
   */
  public BlockingCalls(String name, int maxCalls) {
    this(name, maxCalls, Callable::call);
  }

  /**
   * @param name of the threads
   * @param maxCalls that run at once, 1 or more
   * @param around surrounds every handler; when it returns, the client is told the end
   */
  public BlockingCalls(String name, int maxCalls, Around around) {
    if (maxCalls < 1) {
      throw LoupeException.invalidValue("maxCalls", maxCalls, "1 or more");
    }
    this.around = around;
    this.threads = NamedThreads.poolWithoutQueue(name, maxCalls);
  }

  /** Calls that run now. */
  public int active() {
    return threads.getActiveCount();
  }

  /** Runs a call in which both sides stream; to be returned from the service method. */
  public <Q, R> StreamObserver<Q> bidi(
      StreamObserver<R> responses, StreamLimits limits, BidiHandler<Q, R> handler) {
    ServerCallStreamObserver<R> observer = (ServerCallStreamObserver<R>) responses;
    CallState state = new CallState(observer);
    StreamSender<R> sender = new StreamSender<>(observer, state, limits);
    InboundStream<Q> requests = new InboundStream<>(observer, state, limits);
    run(observer, state, () -> handler.handle(requests, sender));
    return requests.feed();
  }

  /** Runs a call in which the client streams; to be returned from the service method. */
  public <Q, R> StreamObserver<Q> clientStream(
      StreamObserver<R> responses, StreamLimits limits, ClientStreamHandler<Q, R> handler) {
    return this.<Q, R>bidi(
        responses, limits, (requests, sender) -> sender.send(handler.handle(requests)));
  }

  /** Runs a call in which the server streams. */
  public <R> void serverStream(
      StreamObserver<R> responses, StreamLimits limits, ServerStreamHandler<R> handler) {
    ServerCallStreamObserver<R> observer = (ServerCallStreamObserver<R>) responses;
    CallState state = new CallState(observer);
    StreamSender<R> sender = new StreamSender<>(observer, state, limits);
    run(observer, state, () -> handler.handle(sender));
  }

  /** Runs a call of one request and one response. */
  public <R> void unary(StreamObserver<R> responses, Callable<R> handler) {
    serverStream(responses, StreamLimits.DEFAULT, sender -> sender.send(handler.call()));
  }

  /** Refuses new calls, and interrupts those that run: for when the server has drained. */
  @Override
  public void close() {
    threads.shutdownNow();
  }

  private interface Body {
    void run() throws Exception;
  }

  private <R> void run(ServerCallStreamObserver<R> observer, CallState state, Body body) {
    try {
      Context context = Context.current().withValue(CallState.CURRENT, state);
      threads.execute(context.wrap(() -> runToEnd(observer, body)));
    } catch (RejectedExecutionException e) {
      LoupeException refused =
          threads.isShutdown()
              ? LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down")
              : LoupeException.of(
                      ErrorReason.QUEUE_FULL,
                      threads.getMaximumPoolSize() + " such calls run already; try again later")
                  .with("limit", threads.getMaximumPoolSize());
      observer.onError(LoupeErrors.toStatusException(refused));
    }
  }

  private <R> void runToEnd(ServerCallStreamObserver<R> observer, Body body) {
    Throwable failure = null;
    try {
      around.run(
          () -> {
            body.run();
            return null;
          });
    } catch (Throwable t) {
      failure = t;
    }
    if (observer.isCancelled()) {
      log.debug("a call's client went away", failure);
    }
    try {
      // To be told also when nobody listens: the transport frees what it holds for the call.
      if (failure == null) {
        observer.onCompleted();
      } else {
        observer.onError(LoupeErrors.toStatusException(failure));
      }
    } catch (RuntimeException e) {
      log.debug("a call could not be ended", e);
    }
  }
}
