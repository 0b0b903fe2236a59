package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.loupe.gateway.fakes.FakeInference;
import dev.loupe.gateway.fakes.FakeLoupe;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceBlockingStub;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.ListHookPointsRequest;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.Patch;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.proto.sae.v1.Corpus;
import dev.loupe.proto.sae.v1.CorpusHeader;
import dev.loupe.proto.sae.v1.CorpusRow;
import dev.loupe.proto.sae.v1.CorpusRows;
import dev.loupe.proto.sae.v1.CreateCorpusRequest;
import dev.loupe.proto.sae.v1.SaeServiceGrpc;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.server.GrpcServer;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.MetadataUtils;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls through the gateway behave as calls to the service itself. */
@Timeout(60)
class ForwardingTest {
  @RegisterExtension static final FakeLoupe loupe = new FakeLoupe();

  @Test
  void passesAnswersOn() {
    assertThat(inference().listModels(ListModelsRequest.getDefaultInstance()).getModels(0))
        .satisfies(model -> assertThat(model.getName()).isEqualTo("models/demo"));
  }

  @ParameterizedTest
  @EnumSource(names = {"DTYPE_F32", "DTYPE_F16", "DTYPE_BF16"})
  void passesTensorsOfEveryTypeOnBothWays(DType dtype) {
    List<Integer> ids = List.of(97, 200, 3);
    Tensor given = FakeInference.value(List.of(5, 6), dtype);
    RunForwardPassRequest request =
        RunForwardPassRequest.newBuilder()
            .setModel("models/demo")
            .addPrompts(Prompt.newBuilder().setTokens(TokenRow.newBuilder().addAllIds(ids)))
            .addCaptures(Capture.newBuilder().setHookPoint("h").setDtype(dtype))
            .addInterventions(
                Intervention.newBuilder()
                    .setHookPoint("h")
                    .setPatch(Patch.newBuilder().setValue(given)))
            .build();

    RunForwardPassResponse response = inference().runForwardPass(request);

    Tensor value = response.getActivations(0).getValue();
    assertThat(value).isEqualTo(FakeInference.value(ids, dtype));
    assertThat(value.getLayout().getDtype()).isEqualTo(dtype);
    assertThat(value.getData().size())
        .isEqualTo(ids.size() * FakeInference.WIDTH * (dtype == DType.DTYPE_F32 ? 4 : 2));
    assertThat(response.getActivations(1).getValue()).isEqualTo(given);
  }

  @Test
  void passesErrorsOnWithTheirReasonsAndMetadata() {
    StatusRuntimeException error =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () -> inference().getModel(GetModelRequest.newBuilder().setName("models/x").build()));
    assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
    assertThat(error.getStatus().getDescription()).contains("models/x is not loaded");
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.MODEL_NOT_FOUND);
    assertThat(LoupeErrors.metadata(error)).containsEntry("loaded", "models/demo");
  }

  @Test
  void passesOnAnErrorThatEndsAStreamAfterItsMessages() {
    Iterator<GenerateTextResponse> steps =
        inference()
            .generateText(GenerateTextRequest.newBuilder().setMaxNewTokens(3).setSeed(13).build());
    for (int i = 0; i < 3; i++) {
      assertThat(steps.next().getText()).isEqualTo("t" + i);
    }
    StatusRuntimeException error =
        catchThrowableOfType(StatusRuntimeException.class, steps::hasNext);
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.OUT_OF_BUDGET);
    assertThat(LoupeErrors.metadata(error)).containsEntry("fits", "3");
  }

  @Test
  void saysUnimplementedForACallThatTheServiceLacks() {
    StatusRuntimeException error =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () -> inference().listHookPoints(ListHookPointsRequest.getDefaultInstance()));
    assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
  }

  @Test
  void passesMetadataAndDeadlinesOnAndConnectionHeadersNot() {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("x-trace", Metadata.ASCII_STRING_MARSHALLER), "abc");
    GetModelRequest request = GetModelRequest.newBuilder().setName("models/demo").build();
    String seen =
        inference()
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
            .withDeadlineAfter(50, TimeUnit.SECONDS)
            .getModel(request)
            .getDevice();
    assertThat(seen).contains("x-trace=abc").contains("deadline=near");
    assertThat(seen).doesNotContain("te,").doesNotContain("content-length");
    assertThat(inference().getModel(request).getDevice()).contains("deadline=none");
  }

  @Test
  void cancelsTheServicesWorkWhenTheDeadlinePasses() throws InterruptedException {
    StatusRuntimeException error =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () ->
                inference()
                    .withDeadlineAfter(300, TimeUnit.MILLISECONDS)
                    .getModel(GetModelRequest.newBuilder().setName("models/slow").build()));
    assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(loupe.inference.cancelled.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void cancelsTheServicesWorkWhenTheClientGoesAway() throws InterruptedException {
    StreamReader reader = new StreamReader();
    reader.open();
    reader.call.request(1);
    reader.next();
    reader.call.cancel("enough", null);
    assertThat(loupe.inference.cancelled.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void holdsTheServiceBackWhileTheClientDoesNotRead() throws InterruptedException {
    StreamReader reader = new StreamReader();
    reader.open();
    reader.call.request(1);
    reader.next();
    long sent = Settled.value(loupe.inference.chunksSent::get);
    // The windows and buffers of two connections; without flow control it would be endless.
    assertThat(sent * FakeInference.CHUNK).isLessThan(24L << 20);
    // And it goes on when the client does: in order, nothing lost.
    int more = 400;
    reader.call.request(more);
    for (long i = 1; i <= more; i++) {
      assertThat(reader.next().getChunk().getChunk().getOffset())
          .isEqualTo(i * FakeInference.CHUNK);
    }
    reader.call.cancel("enough", null);
  }

  @Test
  void holdsTheClientBackWhileTheServiceDoesNotRead() throws Exception {
    CompletableFuture<Corpus> corpus = new CompletableFuture<>();
    ClientCall<CreateCorpusRequest, Corpus> call =
        loupe.channel().newCall(SaeServiceGrpc.getCreateCorpusMethod(), CallOptions.DEFAULT);
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onMessage(Corpus message) {
            corpus.complete(message);
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            corpus.completeExceptionally(status.asRuntimeException());
          }
        },
        new Metadata());
    call.request(2);
    call.sendMessage(
        CreateCorpusRequest.newBuilder()
            .setHeader(CorpusHeader.newBuilder().setCorpusId("c"))
            .build());
    while (loupe.sae.messagesRead.get() == 0) {
      Thread.sleep(10);
    }
    // 100 rows of 1,000 ids: 200 KiB.
    CorpusRow row = CorpusRow.newBuilder().addAllIds(Collections.nCopies(1_000, 300)).build();
    CreateCorpusRequest rows =
        CreateCorpusRequest.newBuilder()
            .setRows(CorpusRows.newBuilder().addAllRows(Collections.nCopies(100, row)))
            .build();
    long messages = 0;
    int idle = 0;
    while (idle < 100) {
      if (call.isReady()) {
        call.sendMessage(rows);
        messages++;
        idle = 0;
        assertThat(messages * rows.getSerializedSize()).isLessThan(64L << 20);
      } else {
        idle++;
        Thread.sleep(10);
      }
    }
    assertThat(loupe.sae.messagesRead.get()).isEqualTo(1);
    loupe.sae.read.countDown();
    call.halfClose();
    assertThat(corpus.get(30, TimeUnit.SECONDS).getRows()).isEqualTo(messages * 100);
  }

  @Test
  void namesTheServiceThatIsAwayAndFindsItWhenItIsBack() {
    ListFeaturesRequest request =
        ListFeaturesRequest.newBuilder().setParent("dictionaries/demo").build();
    awaitHealth(ServingStatus.SERVING);
    assertThat(loupe.get("/healthz").body()).isEqualTo("{\"healthy\":true,\"lacks\":{}}");
    int port = loupe.stopFeatures();
    StatusRuntimeException error =
        catchThrowableOfType(StatusRuntimeException.class, () -> features().listFeatures(request));
    awaitHealth(ServingStatus.NOT_SERVING);
    assertThat(loupe.get("/healthz").statusCode()).isEqualTo(200);
    assertThat(loupe.get("/healthz").body())
        .isEqualTo(
            "{\"healthy\":true,\"lacks\":{\"feature-store-service\":\"cannot be reached\"}}");
    assertThat(health("")).isEqualTo(ServingStatus.SERVING);
    assertThat(health(SaeServiceGrpc.SERVICE_NAME)).isEqualTo(ServingStatus.SERVING);
    assertThat(health(GrpcServer.LIVENESS)).isEqualTo(ServingStatus.SERVING);
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.SERVICE_UNAVAILABLE);
    assertThat(LoupeErrors.metadata(error)).containsEntry("service", "feature-store-service");
    assertThat(inference().listModels(ListModelsRequest.getDefaultInstance()).getModelsCount())
        .isEqualTo(1);

    loupe.startFeaturesAgain(port);
    assertThat(features().listFeatures(request).getFeaturesCount()).isEqualTo(1);
    awaitHealth(ServingStatus.SERVING);
  }

  /** Waits for what health's stream says of the feature store. */
  private static void awaitHealth(ServingStatus expected) {
    Iterator<HealthCheckResponse> words =
        HealthGrpc.newBlockingStub(loupe.channel())
            .withDeadlineAfter(60, TimeUnit.SECONDS)
            .watch(request(FeatureStoreServiceGrpc.SERVICE_NAME));
    ServingStatus said = words.next().getStatus();
    while (said != expected) {
      said = words.next().getStatus();
    }
  }

  private static ServingStatus health(String service) {
    return HealthGrpc.newBlockingStub(loupe.channel()).check(request(service)).getStatus();
  }

  private static HealthCheckRequest request(String service) {
    return HealthCheckRequest.newBuilder().setService(service).build();
  }

  @ParameterizedTest
  @ValueSource(ints = {9, 31, 33, 40, 70})
  void refusesAMessageOverTheLimit(int mebibytes) {
    TokenizeRequest request =
        TokenizeRequest.newBuilder()
            .setModel("models/demo")
            .addTexts("x".repeat(mebibytes << 20))
            .build();
    StatusRuntimeException error =
        catchThrowableOfType(StatusRuntimeException.class, () -> inference().tokenize(request));
    assertThat(error.getStatus().getCode())
        .as(error.getMessage())
        .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.MESSAGE_TOO_LARGE);
  }

  @Test
  void countsWhatItForwards() {
    inference().listModels(ListModelsRequest.getDefaultInstance());
    assertThat(
            loupe
                .registry
                .get(GatewayMetrics.FORWARDED_RECEIVED.id())
                .tag("service", "inference-service")
                .counter()
                .count())
        .isPositive();
    assertThat(
            loupe
                .registry
                .get("grpc.server.processing.duration")
                .tag("method", "ListModels")
                .tag("statusCode", "OK")
                .timer()
                .count())
        .isPositive();
  }

  private InferenceServiceBlockingStub inference() {
    return InferenceServiceGrpc.newBlockingStub(loupe.channel());
  }

  private FeatureStoreServiceGrpc.FeatureStoreServiceBlockingStub features() {
    return FeatureStoreServiceGrpc.newBlockingStub(loupe.channel());
  }

  /** Reads the endless stream by hand. */
  private static final class StreamReader extends ClientCall.Listener<StreamActivationsResponse> {
    private final BlockingQueue<StreamActivationsResponse> received = new LinkedBlockingQueue<>();
    private final ClientCall<StreamActivationsRequest, StreamActivationsResponse> call =
        loupe
            .channel()
            .newCall(InferenceServiceGrpc.getStreamActivationsMethod(), CallOptions.DEFAULT);

    void open() {
      call.start(this, new Metadata());
      call.sendMessage(
          StreamActivationsRequest.newBuilder()
              .setHeader(StreamActivationsHeader.newBuilder().setModel("models/endless"))
              .build());
    }

    StreamActivationsResponse next() throws InterruptedException {
      StreamActivationsResponse response = received.poll(20, TimeUnit.SECONDS);
      assertThat(response).as("the next chunk").isNotNull();
      return response;
    }

    @Override
    public void onMessage(StreamActivationsResponse message) {
      received.add(message);
    }
  }
}
