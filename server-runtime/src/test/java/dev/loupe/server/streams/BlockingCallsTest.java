package dev.loupe.server.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.BytesValue;
import dev.loupe.server.Channels;
import dev.loupe.server.GrpcServer;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.testing.BidiClient;
import dev.loupe.server.testing.BytesService;
import dev.loupe.server.testing.Eventually;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.ForwardingServerCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BlockingCallsTest {
  private static final int BIG = 256 * 1024;

  private final BlockingCalls calls = new BlockingCalls("test", 2);
  private final BytesService service = new BytesService();
  private final GrpcServer server = GrpcServer.builder().service(service).start();
  private final ManagedChannel channel = Channels.plaintext("127.0.0.1:" + server.port());

  @AfterEach
  void close() {
    Channels.close(channel);
    server.close();
    calls.close();
  }

  @Test
  void aPlainLoopEchoesAStream() throws Exception {
    service.bidi(
        responses ->
            calls.bidi(
                responses,
                StreamLimits.DEFAULT,
                (requests, sender) -> {
                  while (requests.hasNext()) {
                    sender.send(requests.next());
                  }
                  assertThat(requests.isFinished()).isTrue();
                }));
    BidiClient client = new BidiClient(channel, BytesService.BIDI);
    for (int i = 0; i < 100; i++) {
      assertThat(client.send(BytesService.text("m" + i)).read())
          .isEqualTo(BytesService.text("m" + i));
    }
    client.halfClose();
    assertThat(client.end().getStatus().isOk()).isTrue();
  }

  @Test
  void aCallThatWaitsForASilentClientCanBeEnded() throws Exception {
    CompletableFuture<ClientWait> seen = new CompletableFuture<>();
    service.bidi(
        responses ->
            calls.bidi(
                responses,
                StreamLimits.DEFAULT,
                (requests, sender) -> {
                  seen.complete(ClientWait.current());
                  while (requests.hasNext()) {
                    sender.send(requests.next());
                  }
                }));
    BidiClient client = new BidiClient(channel, BytesService.BIDI);
    client.send(BytesService.text("a")).read();
    ClientWait wait = seen.get(20, TimeUnit.SECONDS);
    Eventually.waitUntil("it waits", () -> wait.silence().compareTo(Duration.ofMillis(50)) > 0);
    wait.end(LoupeException.of(ErrorReason.OUT_OF_BUDGET, "others need it"));
    assertThat(client.end().getStatus().getDescription()).contains("others need it");
    assertThat(wait.silence()).isZero();
  }

  @Test
  void aCallWhoseClientDoesNotReadIsSilentAndOneThatWorksIsNot() throws Exception {
    CompletableFuture<ClientWait> seen = new CompletableFuture<>();
    CountDownLatch looked = new CountDownLatch(1);
    service.serverStream(
        (request, responses) ->
            calls.serverStream(
                responses,
                StreamLimits.DEFAULT,
                sender -> {
                  seen.complete(ClientWait.current());
                  looked.await();
                  while (true) {
                    sender.send(BytesService.bytes(BIG));
                  }
                }));
    Iterator<BytesValue> answers =
        ClientCalls.blockingServerStreamingCall(
            channel, BytesService.SERVER_STREAM, CallOptions.DEFAULT, BytesService.text("a"));
    ClientWait wait = seen.get(20, TimeUnit.SECONDS);
    assertThat(wait.silence()).isZero();
    looked.countDown();
    Eventually.waitUntil("it waits", () -> wait.silence().compareTo(Duration.ofMillis(50)) > 0);
    wait.end(LoupeException.of(ErrorReason.OUT_OF_BUDGET, "others need it"));
    StatusRuntimeException error =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () -> {
              while (answers.hasNext()) {
                answers.next();
              }
            });
    assertThat(error).hasMessageContaining("others need it");
    assertThat(ClientWait.current()).isSameAs(ClientWait.NONE);
  }

  @Test
  void aSlowReaderHoldsTheHandlerBackAndLosesNothing() throws Exception {
    AtomicInteger sent = new AtomicInteger();
    int total = 400;
    service.serverStream(
        (request, responses) ->
            calls.serverStream(
                responses,
                StreamLimits.DEFAULT,
                sender -> {
                  for (int i = 0; i < total; i++) {
                    sender.send(BytesService.bytes(BIG));
                    sent.incrementAndGet();
                  }
                }));
    BidiClient client = new BidiClient(channel, BytesService.SERVER_STREAM);
    client.send(BytesService.text("go")).halfClose();
    client.read();
    int before = settled(sent);
    // 1 MiB in the server's buffer, one message over it, the flow-control windows and the one that
    // was read.
    assertThat(before * (long) BIG).isLessThan(8L << 20);
    for (int i = 1; i < total; i++) {
      client.read();
    }
    assertThat(client.end().getStatus().isOk()).isTrue();
    assertThat(sent).hasValue(total);
  }

  /** The value of a counter once it stands still. */
  private static int settled(AtomicInteger counter) throws InterruptedException {
    int last = -1;
    int same = 0;
    while (same < 10) {
      int now = counter.get();
      same = now == last ? same + 1 : 0;
      last = now;
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return last;
  }

  @Test
  void aFastSenderIsHeldBackByASlowHandler() throws Exception {
    CountDownLatch mayRead = new CountDownLatch(1);
    AtomicInteger read = new AtomicInteger();
    service.bidi(
        responses ->
            calls.bidi(
                responses,
                StreamLimits.DEFAULT.withInboundMessages(2),
                (requests, sender) -> {
                  mayRead.await();
                  while (requests.hasNext()) {
                    requests.next();
                    read.incrementAndGet();
                  }
                  sender.send(BytesService.text("done"));
                }));
    BidiClient client = new BidiClient(channel, BytesService.BIDI);
    Eventually.waitUntil("the call is open", client::isReady);
    int sent = 0;
    for (int idle = 0; idle < 20; ) {
      if (client.isReady()) {
        client.send(BytesService.bytes(BIG));
        sent++;
        idle = 0;
      } else {
        idle++;
        TimeUnit.MILLISECONDS.sleep(20);
      }
      assertThat(sent * (long) BIG).as("the client is never held back").isLessThan(64L << 20);
    }
    mayRead.countDown();
    client.halfClose();
    assertThat(client.read()).isEqualTo(BytesService.text("done"));
    assertThat(read).hasValue(sent);
  }

  @Test
  void aClientThatCancelsWakesAHandlerThatSends() throws Exception {
    CompletableFuture<Throwable> ended = new CompletableFuture<>();
    CompletableFuture<Boolean> contextCancelled = new CompletableFuture<>();
    service.serverStream(
        (request, responses) ->
            calls.serverStream(
                responses,
                StreamLimits.DEFAULT,
                sender -> {
                  try {
                    while (true) {
                      sender.send(BytesService.bytes(BIG));
                    }
                  } catch (Throwable t) {
                    contextCancelled.complete(Context.current().isCancelled());
                    ended.complete(t);
                    throw t;
                  }
                }));
    BidiClient client = new BidiClient(channel, BytesService.SERVER_STREAM);
    client.send(BytesService.text("go")).halfClose();
    client.read();
    client.cancel();
    assertThat(LoupeErrors.reason(ended.get(20, TimeUnit.SECONDS)))
        .contains(ErrorReason.CALL_CANCELLED);
    assertThat(contextCancelled.get()).isTrue();
    Eventually.waitUntil("the thread is free again", () -> calls.active() == 0);
    assertThat(BytesService.call(channel, BytesService.text("b")))
        .isEqualTo(BytesService.text("b"));
  }

  @Test
  void callsOfClientsThatWentAwayAreEndedToo() throws Exception {
    AtomicInteger begun = new AtomicInteger();
    AtomicInteger ended = new AtomicInteger();
    service.serverStream(
        (request, responses) ->
            calls.serverStream(
                responses,
                StreamLimits.DEFAULT,
                sender -> {
                  sender.send(request);
                  Eventually.waitUntil("the client is gone", sender::isCancelled);
                  if (begun.incrementAndGet() == 2) {
                    throw new IllegalStateException("nobody hears this");
                  }
                }));
    ServerInterceptor counting =
        new ServerInterceptor() {
          @Override
          public <Q, R> ServerCall.Listener<Q> interceptCall(
              ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            return next.startCall(
                new ForwardingServerCall.SimpleForwardingServerCall<Q, R>(call) {
                  @Override
                  public void close(Status status, Metadata trailers) {
                    super.close(status, trailers);
                    ended.incrementAndGet();
                  }
                },
                headers);
          }
        };
    try (GrpcServer counted = GrpcServer.builder().service(service).interceptor(counting).start()) {
      ManagedChannel there = Channels.plaintext("127.0.0.1:" + counted.port());
      for (int i = 1; i <= 2; i++) {
        BidiClient client = new BidiClient(there, BytesService.SERVER_STREAM);
        client.send(BytesService.text("go")).halfClose();
        client.read();
        client.cancel();
        int call = i;
        Eventually.waitUntil("call " + i + " has ended", () -> ended.get() == call);
      }
      Channels.close(there);
    }
  }

  @Test
  void aConnectionThatBreaksWakesAHandlerThatReads() throws Exception {
    CompletableFuture<Throwable> ended = new CompletableFuture<>();
    service.bidi(
        responses ->
            calls.bidi(
                responses,
                StreamLimits.DEFAULT,
                (requests, sender) -> {
                  sender.send(requests.next());
                  try {
                    requests.next();
                  } catch (Throwable t) {
                    ended.complete(t);
                    throw t;
                  }
                }));
    ManagedChannel doomed = Channels.plaintext("127.0.0.1:" + server.port());
    new BidiClient(doomed, BytesService.BIDI).send(BytesService.text("a")).read();
    doomed.shutdownNow();
    assertThat(LoupeErrors.reason(ended.get(20, TimeUnit.SECONDS)))
        .contains(ErrorReason.CALL_CANCELLED);
    assertThat(BytesService.call(channel, BytesService.text("b")))
        .isEqualTo(BytesService.text("b"));
  }

  @Test
  void aDeadlineOfTheClientsEndsTheHandler() throws Exception {
    CompletableFuture<Throwable> ended = new CompletableFuture<>();
    service.unary(
        (request, responses) ->
            calls.unary(
                responses,
                () -> {
                  try {
                    new CountDownLatch(1).await(50, TimeUnit.MILLISECONDS);
                    Eventually.waitUntil(
                        "the context is cancelled", () -> Context.current().isCancelled());
                    return request;
                  } finally {
                    ended.complete(Context.current().cancellationCause());
                  }
                }));
    StatusRuntimeException error =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () ->
                ClientCalls.blockingUnaryCall(
                    channel,
                    BytesService.UNARY,
                    CallOptions.DEFAULT.withDeadlineAfter(200, TimeUnit.MILLISECONDS),
                    BytesService.text("a")));
    assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(ended.get(20, TimeUnit.SECONDS)).isNotNull();
  }

  @Test
  void callsBeyondTheBoundAreRefused() throws Exception {
    service.bidi(
        responses ->
            calls.bidi(
                responses,
                StreamLimits.DEFAULT,
                (requests, sender) -> {
                  while (requests.hasNext()) {
                    sender.send(requests.next());
                  }
                }));
    List<BidiClient> open = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      BidiClient client = new BidiClient(channel, BytesService.BIDI).send(BytesService.text("a"));
      client.read();
      open.add(client);
    }
    StatusRuntimeException refused = new BidiClient(channel, BytesService.BIDI).end();
    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(LoupeErrors.reason(refused)).contains(ErrorReason.QUEUE_FULL);
    for (BidiClient client : open) {
      assertThat(client.send(BytesService.text("b")).read()).isEqualTo(BytesService.text("b"));
      client.halfClose();
      assertThat(client.end().getStatus().isOk()).isTrue();
    }
    Eventually.waitUntil("the threads are free again", () -> calls.active() == 0);
    BidiClient next = new BidiClient(channel, BytesService.BIDI).send(BytesService.text("c"));
    assertThat(next.read()).isEqualTo(BytesService.text("c"));
    next.cancel();
  }

  @Test
  void aHandlersErrorEndsTheStreamAsNotWhole() throws Exception {
    service.serverStream(
        (request, responses) ->
            calls.serverStream(
                responses,
                StreamLimits.DEFAULT,
                sender -> {
                  sender.send(request);
                  throw LoupeException.of(ErrorReason.OUT_OF_BUDGET, "no memory for layer 2");
                }));
    Iterator<BytesValue> responses = BytesService.stream(channel, BytesService.text("a"));
    assertThat(responses.next()).isEqualTo(BytesService.text("a"));
    StatusRuntimeException error =
        catchThrowableOfType(StatusRuntimeException.class, responses::hasNext);
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.OUT_OF_BUDGET);
  }

  @Test
  void patienceWithAClientEnds() throws Exception {
    StreamLimits limits =
        StreamLimits.DEFAULT.withPatience(Duration.ofMillis(50), Duration.ofMillis(50));
    service.bidi(
        responses ->
            calls.bidi(responses, limits, (requests, sender) -> sender.send(requests.next())));
    StatusRuntimeException silent = new BidiClient(channel, BytesService.BIDI).end();
    assertThat(silent.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(LoupeErrors.reason(silent)).contains(ErrorReason.CLIENT_TOO_SLOW);

    CompletableFuture<Throwable> ended = new CompletableFuture<>();
    service.serverStream(
        (request, responses) ->
            calls.serverStream(
                responses,
                limits,
                sender -> {
                  try {
                    while (true) {
                      sender.send(BytesService.bytes(BIG));
                    }
                  } catch (LoupeException e) {
                    ended.complete(e);
                    throw e;
                  }
                }));
    BidiClient deaf = new BidiClient(channel, BytesService.SERVER_STREAM);
    deaf.send(BytesService.text("go")).halfClose();
    assertThat(LoupeErrors.reason(ended.get(20, TimeUnit.SECONDS)))
        .contains(ErrorReason.CLIENT_TOO_SLOW);
    deaf.cancel();
  }

  @Test
  void pollingTellsALatecomerFromTheEnd() throws Exception {
    service.bidi(
        responses ->
            calls.bidi(
                responses,
                StreamLimits.DEFAULT,
                (requests, sender) -> {
                  Optional<?> early = requests.poll(Duration.ofMillis(20));
                  sender.send(BytesService.text(early.isPresent() + " " + requests.isFinished()));
                  Optional<?> there = requests.poll(Duration.ofSeconds(20));
                  sender.send(BytesService.text(there.isPresent() + " " + requests.isFinished()));
                  Optional<?> end = requests.poll(Duration.ofSeconds(20));
                  sender.send(BytesService.text(end.isPresent() + " " + requests.isFinished()));
                }));
    BidiClient client = new BidiClient(channel, BytesService.BIDI);
    assertThat(client.read()).isEqualTo(BytesService.text("false false"));
    client.send(BytesService.text("a"));
    assertThat(client.read()).isEqualTo(BytesService.text("true false"));
    client.halfClose();
    assertThat(client.read()).isEqualTo(BytesService.text("false true"));
  }

  @Test
  void aSenderWorksInsideAServiceMethodOnGrpcsOwnThread() throws Exception {
    service.serverStream(
        (request, responses) -> {
          StreamSender<BytesValue> sender = StreamSender.of(responses, StreamLimits.DEFAULT);
          for (int i = 0; i < 40; i++) {
            sender.send(BytesService.bytes(BIG));
          }
          sender.complete();
        });
    BidiClient client = new BidiClient(channel, BytesService.SERVER_STREAM);
    client.send(BytesService.text("go")).halfClose();
    for (int i = 0; i < 40; i++) {
      assertThat(client.read().getValue().size()).isEqualTo(BIG);
    }
    assertThat(client.end().getStatus().isOk()).isTrue();
  }

  @Test
  void aDefectInAHandlerLeaksNothing() throws Exception {
    service.bidi(
        responses ->
            calls.bidi(
                responses,
                StreamLimits.DEFAULT,
                (requests, sender) -> {
                  throw new IllegalStateException("a secret");
                }));
    StatusRuntimeException error = new BidiClient(channel, BytesService.BIDI).end();
    assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL);
    assertThat(error.getStatus().getDescription()).doesNotContain("secret");
  }

  @Test
  void aClientStreamGivesOneAnswer() throws Exception {
    service.bidi(
        responses ->
            calls.<BytesValue, BytesValue>clientStream(
                responses,
                StreamLimits.DEFAULT,
                requests -> {
                  int bytes = 0;
                  while (requests.hasNext()) {
                    bytes += requests.next().getValue().size();
                  }
                  return BytesService.text("bytes " + bytes);
                }));
    BidiClient client = new BidiClient(channel, BytesService.BIDI);
    for (int i = 0; i < 10; i++) {
      client.send(BytesService.bytes(1000));
    }
    client.halfClose();
    assertThat(client.read()).isEqualTo(BytesService.text("bytes 10000"));
    assertThat(client.end().getStatus().isOk()).isTrue();
  }
}
