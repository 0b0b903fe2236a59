package dev.loupe.sae.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.proto.features.v1.BatchUpsertFeaturesRequest;
import dev.loupe.proto.features.v1.BatchUpsertFeaturesResponse;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc.FeatureStoreServiceImplBase;
import dev.loupe.proto.inference.v1.BatchDone;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceImplBase;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.sae.SaeClient;
import dev.loupe.sae.TinyInference;
import dev.loupe.sae.corpus.ActivationFeed;
import dev.loupe.sae.corpus.TokenBatch;
import dev.loupe.server.Channels;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.testkit.grpc.GrpcServerExtension;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Which failures of other services are waited out, and which end the work at once. */
class RepeatedCallsTest {
  private static final Patience PATIENT =
      new Patience(Duration.ofMinutes(1), Duration.ofMillis(1), Duration.ofMillis(5));
  private static final Patience BRIEF =
      new Patience(Duration.ofMillis(300), Duration.ofMillis(20), Duration.ofMillis(50));
  private static final TokenBatch BATCH = new TokenBatch(0, 0, List.of(0L), List.of(new int[3]));

  private final Failing inference = new Failing();
  private final FullStore features = new FullStore();

  @RegisterExtension
  final GrpcServerExtension grpc = GrpcServerExtension.serving(() -> inference).and(() -> features);

  @Test
  void memoryThatOthersHoldIsWaitedFor(ManagedChannel channel) {
    inference.failure =
        LoupeException.of(ErrorReason.OUT_OF_BUDGET, "others hold 9 of 10")
            .retryAfter(Duration.ofMinutes(1));
    assertThat(new InferenceClient(channel, PATIENT).model("a").contextSize()).isEqualTo(7);
    assertThat(inference.calls).isEqualTo(3);
  }

  @Test
  void whatNeverFitsIsAskedForOnce(ManagedChannel channel) {
    inference.failure = LoupeException.of(ErrorReason.OUT_OF_BUDGET, "11 of 10");
    failsWith(
        () -> new InferenceClient(channel, PATIENT).model("a"), ErrorReason.OUT_OF_BUDGET, "11");
    assertThat(inference.calls).isEqualTo(1);
  }

  @Test
  void aDefectOfTheServiceIsMetOnce(ManagedChannel channel) {
    inference.failure = new IllegalStateException("a defect");
    failsWith(
        () -> new InferenceClient(channel, PATIENT).model("a"), ErrorReason.INTERNAL, "internal");
    assertThat(inference.calls).isEqualTo(1);
  }

  @Test
  void aConnectionThatBreaksIsMadeAgain(ManagedChannel channel) {
    inference.failure = Status.INTERNAL.withDescription("RST_STREAM").asRuntimeException();
    assertThat(new InferenceClient(channel, PATIENT).model("a").contextSize()).isEqualTo(7);
  }

  @Test
  void aServiceThatStaysBusySaysSoItself(ManagedChannel channel) {
    inference.failing = Integer.MAX_VALUE;
    inference.failure = LoupeException.of(ErrorReason.QUEUE_FULL, "64 calls run already");
    failsWith(() -> new InferenceClient(channel, BRIEF).model("a"), ErrorReason.QUEUE_FULL, "64");
    inference.failure = LoupeException.of(ErrorReason.SHUTTING_DOWN, "going down");
    failsWith(
        () -> new InferenceClient(channel, BRIEF).model("a"),
        ErrorReason.INFERENCE_UNAVAILABLE,
        "going down");
  }

  @Test
  void aFullDiskOfTheFeatureStoreEndsTheWork(ManagedChannel channel) {
    failsWith(
        () -> new FeatureStoreClient(channel, PATIENT, () -> {}).write("a", List.of()),
        ErrorReason.STORAGE_FULL,
        "disk");
    assertThat(features.calls).isEqualTo(1);
  }

  @Test
  void answersThatBreakTheProtocolAreNotAskedForAgain(ManagedChannel channel) {
    try (ActivationFeed feed =
        new InferenceClient(channel, PATIENT)
            .open("a", "hook_embed", List.of(BATCH).iterator(), () -> {})) {
      assertThatThrownBy(feed::next)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("answers batch 9");
    }
    assertThat(inference.calls).isEqualTo(1);
  }

  @Test
  void aMistakeOfOurOwnIsNoBrokenConnection(@TempDir Path folder) {
    try (TinyInference model = TinyInference.start(folder)) {
      ManagedChannel channel = Channels.plaintext(model.target());
      TokenBatch batch =
          new TokenBatch(0, 0, List.of(0L), List.of(SaeClient.randomRows(1, 3).get(0)));
      try {
        assertThatThrownBy(
                () ->
                    new InferenceClient(channel, BRIEF)
                        .splicedLosses(
                            TinyInference.ID, batch, "blocks.0.attn.hook_pattern", rows -> rows))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("head");
      } finally {
        Channels.close(channel);
      }
    }
  }

  private static void failsWith(Runnable call, ErrorReason reason, String message) {
    assertThatThrownBy(call::run)
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(reason));
  }

  /** Fails twice, then knows a model. */
  private static final class Failing extends InferenceServiceImplBase {
    private volatile RuntimeException failure;
    private volatile int failing = 2;
    private volatile int calls;

    @Override
    public synchronized void getModel(GetModelRequest request, StreamObserver<Model> responses) {
      if (calls++ < failing) {
        responses.onError(LoupeErrors.toStatusException(failure));
        return;
      }
      responses.onNext(Model.newBuilder().setContextSize(7).build());
      responses.onCompleted();
    }

    @Override
    public synchronized StreamObserver<StreamActivationsRequest> streamActivations(
        StreamObserver<StreamActivationsResponse> responses) {
      calls++;
      return new StreamObserver<>() {
        @Override
        public void onNext(StreamActivationsRequest request) {
          if (request.hasBatch()) {
            responses.onNext(
                StreamActivationsResponse.newBuilder()
                    .setBatchId(9)
                    .setDone(BatchDone.getDefaultInstance())
                    .build());
          }
        }

        @Override
        public void onError(Throwable t) {}

        @Override
        public void onCompleted() {}
      };
    }
  }

  private static final class FullStore extends FeatureStoreServiceImplBase {
    private volatile int calls;

    @Override
    public synchronized void batchUpsertFeatures(
        BatchUpsertFeaturesRequest request, StreamObserver<BatchUpsertFeaturesResponse> responses) {
      calls++;
      responses.onError(
          LoupeErrors.toStatusException(
              LoupeException.of(ErrorReason.STORAGE_FULL, "the server's disk is full")));
    }
  }
}
