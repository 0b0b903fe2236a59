package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.loupe.gateway.fakes.FakeInference;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.server.Channels;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.grpc.GrpcServerExtension;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The gateway as a process of its own is told to end, as Kubernetes or an operator does it. */
@Timeout(120)
class DrainTest {
  private static final Pattern LISTENS =
      Pattern.compile("gateway listens on 127\\.0\\.0\\.1:(\\d+)");

  @RegisterExtension
  static final GrpcServerExtension upstream = GrpcServerExtension.serving(FakeInference::new);

  private Process process;
  private BufferedReader log;
  private ManagedChannel channel;
  private int port;

  @BeforeEach
  void start() throws IOException {
    String target = "127.0.0.1:" + upstream.port();
    process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                GatewayMain.class.getName(),
                "--port=0",
                "--metrics-port=-1",
                "--inference=" + target,
                "--sae=" + target,
                "--feature-store=" + target,
                "--drain-seconds=100000")
            .redirectErrorStream(true)
            .start();
    log = process.inputReader();
    StringBuilder said = new StringBuilder();
    for (String line = log.readLine(); line != null && port == 0; line = log.readLine()) {
      said.append(line).append('\n');
      Matcher listens = LISTENS.matcher(line);
      if (listens.find()) {
        port = Integer.parseInt(listens.group(1));
        break;
      }
    }
    assertThat(port).as(said.toString()).isPositive();
    channel = Channels.plaintext("127.0.0.1:" + port);
  }

  @AfterEach
  void end() throws IOException {
    channel.shutdownNow();
    process.destroyForcibly();
    log.close();
  }

  @Test
  void openCallsGoOnNewOnesAreRefusedAndTheLastOneEndsTheProcess() throws Exception {
    Call call = new Call(channel);
    call.exchange(1);
    HealthWatch watch = new HealthWatch(channel);
    assertThat(watch.next()).isEqualTo(ServingStatus.SERVING);

    process.toHandle().destroy();
    assertThat(watch.next()).isEqualTo(ServingStatus.NOT_SERVING);

    call.exchange(2);
    ManagedChannel other = Channels.plaintext("127.0.0.1:" + port);
    for (ManagedChannel asked : new ManagedChannel[] {other, channel}) {
      StatusRuntimeException refused =
          catchThrowableOfType(
              StatusRuntimeException.class,
              () ->
                  InferenceServiceGrpc.newBlockingStub(asked)
                      .listModels(ListModelsRequest.getDefaultInstance()));
      assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(LoupeErrors.reason(refused)).contains(ErrorReason.SHUTTING_DOWN);
    }
    // The connection that was told to go away still carries the call that was open on it.
    call.exchange(3);
    assertThat(process.isAlive()).isTrue();
    call.finish();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("it ends with its last call").isTrue();
    other.shutdownNow();
  }

  @Test
  void anIdleProcessEndsAtOnce() throws Exception {
    HealthWatch watch = new HealthWatch(channel);
    assertThat(watch.next()).isEqualTo(ServingStatus.SERVING);
    process.toHandle().destroy();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
  }

  /** A stream of activations that this test keeps open. */
  private static final class Call implements StreamObserver<StreamActivationsResponse> {
    private final BlockingQueue<StreamActivationsResponse> received = new LinkedBlockingQueue<>();
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private final StreamObserver<StreamActivationsRequest> requests;

    Call(ManagedChannel channel) {
      requests = InferenceServiceGrpc.newStub(channel).streamActivations(this);
      requests.onNext(
          StreamActivationsRequest.newBuilder()
              .setHeader(StreamActivationsHeader.newBuilder().setModel("models/demo"))
              .build());
    }

    void exchange(int tokens) throws InterruptedException {
      TokenRow.Builder row = TokenRow.newBuilder();
      for (int i = 0; i < tokens; i++) {
        row.addIds(i);
      }
      requests.onNext(
          StreamActivationsRequest.newBuilder()
              .setBatch(TokenBatch.newBuilder().addRows(row))
              .build());
      assertThat(received.poll(20, TimeUnit.SECONDS)).as("a chunk").isNotNull();
      assertThat(received.poll(20, TimeUnit.SECONDS).getDone().getTokens()).isEqualTo(tokens);
    }

    void finish() throws Exception {
      requests.onCompleted();
      end.get(20, TimeUnit.SECONDS);
    }

    @Override
    public void onNext(StreamActivationsResponse response) {
      received.add(response);
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

  /** Follows the gateway's health, which nobody waits for at the end. */
  private static final class HealthWatch implements StreamObserver<HealthCheckResponse> {
    private final BlockingQueue<ServingStatus> received = new LinkedBlockingQueue<>();

    HealthWatch(ManagedChannel channel) {
      HealthGrpc.newStub(channel).watch(HealthCheckRequest.getDefaultInstance(), this);
    }

    ServingStatus next() throws InterruptedException {
      return received.poll(20, TimeUnit.SECONDS);
    }

    @Override
    public void onNext(HealthCheckResponse response) {
      received.add(response.getStatus());
    }

    @Override
    public void onError(Throwable error) {}

    @Override
    public void onCompleted() {}
  }
}
