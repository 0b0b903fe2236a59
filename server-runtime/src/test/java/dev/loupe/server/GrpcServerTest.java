package dev.loupe.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.BytesValue;
import dev.loupe.proto.sae.v1.SaeServiceGrpc;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.testing.BidiClient;
import dev.loupe.server.testing.BytesService;
import dev.loupe.server.testing.Eventually;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GrpcServerTest {
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  private GrpcServer start(GrpcServer.Builder builder) {
    GrpcServer server = builder.start();
    open.add(server);
    return server;
  }

  private ManagedChannel channel(GrpcServer server) {
    ManagedChannel channel = Channels.plaintext("127.0.0.1:" + server.port());
    open.add(() -> Channels.close(channel));
    return channel;
  }

  @Test
  void aPortInUseIsNamed() {
    GrpcServer first = start(GrpcServer.builder());
    assertThatThrownBy(() -> GrpcServer.builder().port(first.port()).start())
        .isInstanceOfSatisfying(
            LoupeException.class,
            e -> {
              assertThat(e.reason()).isEqualTo(ErrorReason.PORT_IN_USE);
              assertThat(e.metadata())
                  .containsEntry("port", String.valueOf(first.port()))
                  .containsEntry("host", "127.0.0.1");
            })
        .hasMessageContaining("port " + first.port() + " on 127.0.0.1 is in use");
  }

  @Test
  void streamsGoOnWhileEveryMethodThreadIsTaken() throws Exception {
    CountDownLatch taken = new CountDownLatch(1);
    CountDownLatch free = new CountDownLatch(1);
    BytesService service =
        new BytesService()
            .unary(
                (request, responses) -> {
                  taken.countDown();
                  try {
                    free.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                  responses.onNext(request);
                  responses.onCompleted();
                });
    ManagedChannel channel = channel(start(GrpcServer.builder().threads(1).service(service)));
    CompletableFuture<BytesValue> waiting =
        CompletableFuture.supplyAsync(() -> BytesService.call(channel, BytesService.text("unary")));
    assertThat(taken.await(20, TimeUnit.SECONDS)).isTrue();

    BidiClient client = new BidiClient(channel, BytesService.BIDI);
    for (int i = 0; i < 3; i++) {
      assertThat(client.send(BytesService.text("m" + i)).read())
          .isEqualTo(BytesService.text("m" + i));
    }
    assertThat(waiting).isNotDone();
    client.halfClose();
    free.countDown();
    assertThat(waiting.get(20, TimeUnit.SECONDS)).isEqualTo(BytesService.text("unary"));
  }

  @Test
  void aHostThatIsNotOursIsRefused() {
    for (String host : List.of("192.0.2.1", "no-such-host.invalid")) {
      assertThatThrownBy(() -> GrpcServer.builder().host(host).start())
          .isInstanceOfSatisfying(
              LoupeException.class,
              e -> assertThat(e.reason()).isEqualTo(ErrorReason.INVALID_VALUE))
          .hasMessageContaining(host);
    }
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    GrpcServer.Builder builder = GrpcServer.builder();
    assertThatThrownBy(() -> builder.port(65_536)).hasMessage("port is 65536; give 0 to 65535");
    assertThatThrownBy(() -> builder.maxMessageBytes(0)).hasMessageContaining("1 or more");
    assertThatThrownBy(() -> builder.maxCalls(0)).hasMessageContaining("1 or more");
    assertThatThrownBy(() -> builder.threads(-1)).hasMessageContaining("1 or more");
  }

  @Test
  void healthSaysWhatTheCheckFoundForEachServiceAndForAll() throws Exception {
    AtomicReference<ServiceHealth> found = new AtomicReference<>(ServiceHealth.GOOD);
    GrpcServer server = start(GrpcServer.builder().service(new BytesService()).check(found::get));
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel(server));
    assertThat(status(health, "")).isEqualTo(ServingStatus.SERVING);
    assertThat(status(health, BytesService.NAME)).isEqualTo(ServingStatus.SERVING);
    found.set(ServiceHealth.problem("the database is away"));
    Eventually.waitUntil(
        "health says it", () -> status(health, BytesService.NAME) == ServingStatus.NOT_SERVING);
    assertThat(status(health, "")).isEqualTo(ServingStatus.NOT_SERVING);
    assertThat(status(health, GrpcServer.LIVENESS)).isEqualTo(ServingStatus.SERVING);
    assertThat(server.health().problems()).containsExactly("the database is away");
    found.set(ServiceHealth.warning("the disk is slow"));
    Eventually.waitUntil("health says it", () -> status(health, "") == ServingStatus.SERVING);
    assertThatThrownBy(() -> status(health, "loupe.Unknown")).hasMessageContaining("NOT_FOUND");
  }

  private static ServingStatus status(HealthGrpc.HealthBlockingStub health, String service) {
    return health.check(HealthCheckRequest.newBuilder().setService(service).build()).getStatus();
  }

  @Test
  void reflectionListsTheServicesAndTheirFiles() throws Exception {
    GrpcServer server =
        start(GrpcServer.builder().service(new SaeServiceGrpc.SaeServiceImplBase() {}));
    ManagedChannel channel = channel(server);
    ServerReflectionResponse services =
        reflect(channel, ServerReflectionRequest.newBuilder().setListServices("").build());
    assertThat(services.getListServicesResponse().getServiceList())
        .extracting("name")
        .contains(
            SaeServiceGrpc.SERVICE_NAME,
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection");
    ServerReflectionResponse file =
        reflect(
            channel,
            ServerReflectionRequest.newBuilder()
                .setFileContainingSymbol(SaeServiceGrpc.SERVICE_NAME + ".TrainDictionary")
                .build());
    assertThat(file.getFileDescriptorResponse().getFileDescriptorProtoList()).isNotEmpty();
  }

  private static ServerReflectionResponse reflect(
      ManagedChannel channel, ServerReflectionRequest request) throws Exception {
    CompletableFuture<ServerReflectionResponse> answer = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> requests =
        ServerReflectionGrpc.newStub(channel)
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse response) {
                    answer.complete(response);
                  }

                  @Override
                  public void onError(Throwable t) {
                    answer.completeExceptionally(t);
                  }

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(request);
    requests.onCompleted();
    return answer.get(20, TimeUnit.SECONDS);
  }

  @Test
  void aMessageOverTheLimitIsRefusedAndTheNextOneServed() throws Exception {
    GrpcServer server =
        start(GrpcServer.builder().service(new BytesService()).maxMessageBytes(10_000));
    ManagedChannel channel = channel(server);
    StatusRuntimeException error =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () -> BytesService.call(channel, BytesService.bytes(10_000)));
    assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.MESSAGE_TOO_LARGE);
    assertThat(error.getStatus().getDescription())
        .contains("10003 bytes")
        .contains("at most 10000");
    assertThat(BytesService.call(channel, BytesService.bytes(9_990)).getValue().size())
        .isEqualTo(9_990);

    // Far over the limit it is refused before it is in memory.
    for (int bytes : new int[] {39_000, 41_000, 100_000, 30_000_000}) {
      StatusRuntimeException far =
          catchThrowableOfType(
              StatusRuntimeException.class,
              () -> BytesService.call(channel, BytesService.bytes(bytes)));
      assertThat(far.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
      assertThat(LoupeErrors.reason(far)).contains(ErrorReason.MESSAGE_TOO_LARGE);
      assertThat(LoupeErrors.metadata(far)).containsEntry("limit", "10000");
    }
    assertThat(BytesService.call(channel, BytesService.text("b")))
        .isEqualTo(BytesService.text("b"));
  }

  /** Zeros shrink to a thousandth: what passes the wire easily would fill the memory. */
  @Test
  void aCompressedMessageCountsByWhatItHolds() {
    GrpcServer server =
        start(GrpcServer.builder().service(new BytesService()).maxMessageBytes(10_000));
    ManagedChannel channel = channel(server);
    Channel compressing =
        ClientInterceptors.intercept(
            channel,
            new ClientInterceptor() {
              @Override
              public <Q, R> ClientCall<Q, R> interceptCall(
                  MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
                return next.newCall(method, options.withCompression("gzip"));
              }
            });
    assertThat(BytesService.call(compressing, BytesService.bytes(9_990)).getValue().size())
        .isEqualTo(9_990);
    for (int bytes : new int[] {10_000, 5_000_000}) {
      StatusRuntimeException error =
          catchThrowableOfType(
              StatusRuntimeException.class,
              () -> BytesService.call(compressing, BytesService.bytes(bytes)));
      assertThat(LoupeErrors.reason(error)).contains(ErrorReason.MESSAGE_TOO_LARGE);
    }
  }

  @Test
  void aStreamedMessageOverTheLimitEndsItsStream() throws Exception {
    GrpcServer server =
        start(GrpcServer.builder().service(new BytesService()).maxMessageBytes(10_000));
    BidiClient client = new BidiClient(channel(server), BytesService.BIDI);
    client.send(BytesService.text("a"));
    assertThat(client.read()).isEqualTo(BytesService.text("a"));
    client.send(BytesService.bytes(20_000)).send(BytesService.text("c")).halfClose();
    assertThat(LoupeErrors.reason(client.end())).contains(ErrorReason.MESSAGE_TOO_LARGE);
  }

  @Test
  void callsOverTheBoundAreRefusedUntilOneEnds() throws Exception {
    GrpcServer server = start(GrpcServer.builder().service(new BytesService()).maxCalls(2));
    ManagedChannel channel = channel(server);
    BidiClient first = opened(channel);
    BidiClient second = opened(channel);
    assertThat(server.openCalls()).isEqualTo(2);
    StatusRuntimeException error =
        catchThrowableOfType(
            StatusRuntimeException.class, () -> BytesService.call(channel, BytesService.text("a")));
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.QUEUE_FULL);
    first.halfClose();
    assertThat(first.end().getStatus().isOk()).isTrue();
    second.cancel();
    Eventually.waitUntil("both calls ended", () -> server.openCalls() == 0);
    assertThat(BytesService.call(channel, BytesService.text("b")))
        .isEqualTo(BytesService.text("b"));
  }

  private static BidiClient opened(ManagedChannel channel) throws InterruptedException {
    BidiClient client = new BidiClient(channel, BytesService.BIDI).send(BytesService.text("hello"));
    client.read();
    return client;
  }

  @Test
  void aServerThatIsFullStillSaysThatItIsHealthy() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch mayAnswer = new CountDownLatch(1);
    BytesService service =
        new BytesService()
            .unary(
                (request, responses) -> {
                  entered.countDown();
                  await(mayAnswer);
                  responses.onNext(request);
                  responses.onCompleted();
                });
    GrpcServer server = start(GrpcServer.builder().service(service).threads(1).maxCalls(1));
    ManagedChannel channel = channel(server);
    CompletableFuture<BytesValue> answer =
        CompletableFuture.supplyAsync(() -> BytesService.call(channel, BytesService.text("a")));
    entered.await();
    assertThat(
            status(HealthGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS), ""))
        .isEqualTo(ServingStatus.SERVING);
    mayAnswer.countDown();
    assertThat(answer.get(20, TimeUnit.SECONDS)).isEqualTo(BytesService.text("a"));
  }

  @Test
  void drainingLetsOpenCallsFinish() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch mayAnswer = new CountDownLatch(1);
    BytesService service =
        new BytesService()
            .unary(
                (request, responses) -> {
                  entered.countDown();
                  await(mayAnswer);
                  responses.onNext(request);
                  responses.onCompleted();
                });
    GrpcServer server = start(GrpcServer.builder().service(service));
    ManagedChannel channel = channel(server);
    CompletableFuture<BytesValue> answer =
        CompletableFuture.supplyAsync(() -> BytesService.call(channel, BytesService.text("a")));
    entered.await();
    Thread drain = new Thread(() -> server.drain(Duration.ofSeconds(20)));
    drain.start();
    // New connections are refused from here on.
    server.refuse();
    mayAnswer.countDown();
    assertThat(answer.get(20, TimeUnit.SECONDS)).isEqualTo(BytesService.text("a"));
    drain.join(20_000);
    assertThat(drain.isAlive()).isFalse();
    StatusRuntimeException late =
        catchThrowableOfType(
            StatusRuntimeException.class, () -> BytesService.call(channel, BytesService.text("b")));
    assertThat(late.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
  }

  @Test
  void drainingCancelsWhatIsLeftAfterTheGrace() throws Exception {
    GrpcServer server = start(GrpcServer.builder().service(new BytesService()));
    BidiClient client = opened(channel(server));
    server.drain(Duration.ofMillis(50));
    assertThat(client.end().getStatus().isOk()).isFalse();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
