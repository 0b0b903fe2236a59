package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.common.util.concurrent.ListenableFuture;
import dev.loupe.gateway.fakes.FakeInference;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.server.Channels;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.grpc.GrpcServerExtension;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The gateway bounds the calls that are open at once. */
class CallLimitTest {
  @RegisterExtension
  static final GrpcServerExtension upstream = GrpcServerExtension.serving(FakeInference::new);

  @Test
  void refusesCallsBeyondTheLimitUntilOneEnds() throws InterruptedException {
    String target = "127.0.0.1:" + upstream.port();
    try (GatewayServer gateway =
        GatewayServer.builder()
            .port(0)
            .inference(target)
            .sae(target)
            .featureStore(target)
            .maxCalls(1)
            .grace(Duration.ofMillis(100))
            .start()) {
      ManagedChannel channel = Channels.plaintext("127.0.0.1:" + gateway.port());
      ListenableFuture<Model> slow = slow(channel);
      StatusRuntimeException error = null;
      // Either call may come first; the slow one, once it is let in, leaves no room for another.
      for (int tries = 0; error == null && tries < 200; tries++) {
        Thread.sleep(10);
        if (slow.isDone()) {
          slow = slow(channel);
        }
        error = catchThrowableOfType(StatusRuntimeException.class, () -> list(channel));
      }
      assertThat(error).isNotNull();
      assertThat(LoupeErrors.reason(error)).contains(ErrorReason.QUEUE_FULL);
      slow.cancel(true);
      boolean free = false;
      for (int tries = 0; !free && tries < 200; tries++) {
        Thread.sleep(10);
        free = catchThrowableOfType(StatusRuntimeException.class, () -> list(channel)) == null;
      }
      assertThat(free).as("a call is served again").isTrue();
      channel.shutdownNow();
    }
  }

  private static ListenableFuture<Model> slow(ManagedChannel channel) {
    return InferenceServiceGrpc.newFutureStub(channel)
        .getModel(GetModelRequest.newBuilder().setName("models/slow").build());
  }

  private static void list(ManagedChannel channel) {
    InferenceServiceGrpc.newBlockingStub(channel)
        .listModels(ListModelsRequest.getDefaultInstance());
  }
}
