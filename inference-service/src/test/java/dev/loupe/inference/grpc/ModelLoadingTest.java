package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.loupe.inference.TinyServer;
import dev.loupe.inference.hub.DownloadProgress;
import dev.loupe.inference.hub.HubSettings;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.ComputeType;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.KeepActivation;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.LoadModelRequest;
import dev.loupe.proto.inference.v1.LoadModelResponse;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.RunWithHooksHeader;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.proto.inference.v1.UnloadModelRequest;
import dev.loupe.proto.inference.v1.UnloadModelResponse;
import dev.loupe.proto.inference.v1.WeightProcessing;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import dev.loupe.testkit.golden.GoldenAssert;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models that come and go while the server runs. */
class ModelLoadingTest {
  private static final WeightProcessing ALL =
      WeightProcessing.newBuilder()
          .setFoldLn(true)
          .setCenterWritingWeights(true)
          .setCenterUnembed(true)
          .setFoldValueBiases(true)
          .build();

  /** Weights of the golden model in float32; that of the processed one is larger. */
  private static final long WEIGHT_BYTES = 4L * (211 * 32 + 48 * 32 + 3 * (12 * 1024 + 416) + 64);

  @TempDir Path parent;
  private Path root;
  private Path started;
  private TinyServer tiny;

  @BeforeEach
  void start() throws IOException {
    root = Files.createDirectory(parent.resolve("models"));
    TinyServer.folder(root);
    started = Files.createDirectory(parent.resolve("started"));
    tiny = server(4 * WEIGHT_BYTES);
  }

  private TinyServer server(long weightBytes) throws IOException {
    return new TinyServer(started, config -> config.withLoading(weightBytes, List.of(root)));
  }

  private void serveWith(long weightBytes) throws IOException {
    tiny.close();
    tiny = server(weightBytes);
  }

  @AfterEach
  void stop() {
    tiny.close();
  }

  private static LoadModelRequest.Builder load(String id, String source) {
    return LoadModelRequest.newBuilder().setModelId(id).setSource(source);
  }

  private Model loaded(LoadModelRequest.Builder request) {
    List<LoadModelResponse> responses = new ArrayList<>();
    tiny.stub().loadModel(request.build()).forEachRemaining(responses::add);
    LoadModelResponse last = responses.remove(responses.size() - 1);
    assertThat(responses).allMatch(LoadModelResponse::hasProgress);
    assertThat(last.hasModel()).isTrue();
    return last.getModel();
  }

  private void refused(LoadModelRequest.Builder request, ErrorReason reason, String... words) {
    StatusRuntimeException e =
        catchThrowableOfType(StatusRuntimeException.class, () -> loaded(request));
    assertThat(e).as("no error").isNotNull();
    assertThat(LoupeErrors.reason(e)).as(e.getMessage()).hasValue(reason);
    assertThat(e.getMessage()).contains(words);
  }

  private List<String> names() {
    return tiny.stub().listModels(ListModelsRequest.getDefaultInstance()).getModelsList().stream()
        .map(Model::getName)
        .toList();
  }

  private UnloadModelResponse unload(String name) {
    return tiny.stub().unloadModel(UnloadModelRequest.newBuilder().setName(name).build());
  }

  private RunForwardPassResponse logits(String model) {
    return tiny.stub()
        .runForwardPass(
            RunForwardPassRequest.newBuilder()
                .setModel(model)
                .addAllPrompts(tiny.prompts())
                .addCaptures(Capture.newBuilder().setHookPoint("unembed.hook_out"))
                .build());
  }

  private void check(String golden, RunForwardPassResponse response) {
    HostTensor value =
        TensorMessages.fromMessage(response.getActivations(0).getValue(), Long.MAX_VALUE).tensor();
    GoldenAssert.assertClose(golden, value.shape(), value.toFloats(), tiny.golden().tensor(golden));
  }

  @Test
  void rawAndProcessedServeSideBySide() {
    Model model = loaded(load("processed", "gpt2-tiny").setProcessing(ALL));
    assertThat(model.getName()).isEqualTo("models/processed");
    assertThat(model.getProcessing()).isEqualTo(ALL);
    assertThat(model.getComputeType()).isEqualTo(ComputeType.COMPUTE_TYPE_F32);
    assertThat(names()).containsExactly(TinyServer.MODEL, "models/processed");
    RunForwardPassResponse raw = logits(TinyServer.MODEL);
    RunForwardPassResponse processed = logits("models/processed");
    check("run/logits", raw);
    check("processed/logits", processed);
    assertThat(raw.getProvenance().getProcessing())
        .isEqualTo(WeightProcessing.getDefaultInstance());
    assertThat(processed.getProvenance().getProcessing()).isEqualTo(ALL);
    assertThat(processed.getProvenance().getModel()).isEqualTo("models/processed");
    assertThat(processed.getProvenance().getWeightsSha256())
        .isEqualTo(raw.getProvenance().getWeightsSha256());
  }

  @Test
  void bothTypesOfBothFormsServeSideBySide() throws IOException {
    serveWith(6 * WEIGHT_BYTES);
    loaded(load("processed", "gpt2-tiny").setProcessing(ALL));
    loaded(load("narrow", "gpt2-tiny").setComputeType(ComputeType.COMPUTE_TYPE_BF16));
    loaded(
        load("narrow-processed", "gpt2-tiny")
            .setComputeType(ComputeType.COMPUTE_TYPE_BF16)
            .setProcessing(ALL));
    RunForwardPassResponse raw = logits(TinyServer.MODEL);
    RunForwardPassResponse processed = logits("models/processed");
    check("run/logits", raw);
    check("processed/logits", processed);
    assertThat(processed.getProvenance().getComputeType()).isEqualTo(ComputeType.COMPUTE_TYPE_F32);
    isRounded(logits("models/narrow"), raw, WeightProcessing.getDefaultInstance());
    isRounded(logits("models/narrow-processed"), processed, ALL);
  }

  /**
   * That values are of bfloat16 products, which hold 8 bits: the difference's norm is within 5
   * percent of the tensor's, and far above the 1e-6 that another order of float32 sums gives.
   */
  private static void isRounded(
      RunForwardPassResponse narrow, RunForwardPassResponse wide, WeightProcessing processing) {
    assertThat(narrow.getProvenance().getComputeType()).isEqualTo(ComputeType.COMPUTE_TYPE_BF16);
    assertThat(narrow.getProvenance().getProcessing()).isEqualTo(processing);
    assertThat(narrow.getProvenance().getWeightsSha256())
        .isEqualTo(wide.getProvenance().getWeightsSha256());
    float[] actual = values(narrow);
    float[] expected = values(wide);
    assertThat(actual).hasSameSizeAs(expected);
    double difference = 0;
    double whole = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow((double) actual[i] - expected[i], 2);
      whole += Math.pow(expected[i], 2);
    }
    assertThat(Math.sqrt(difference / whole)).isBetween(1e-3, 5e-2);
  }

  private static float[] values(RunForwardPassResponse response) {
    return TensorMessages.fromMessage(response.getActivations(0).getValue(), Long.MAX_VALUE)
        .tensor()
        .toFloats();
  }

  @Test
  void theCopiesOfANarrowTypeCountToo() throws IOException {
    serveWith((long) (2.2 * WEIGHT_BYTES));
    refused(
        load("narrow", "gpt2-tiny").setComputeType(ComputeType.COMPUTE_TYPE_BF16),
        ErrorReason.OUT_OF_BUDGET,
        "model narrow");
    loaded(load("wide", "gpt2-tiny"));
  }

  @Test
  void theSameAgainIsAnsweredAndAnotherOfThatNameRefused() {
    Model first = loaded(load("again", "gpt2-tiny"));
    assertThat(loaded(load("again", "gpt2-tiny"))).isEqualTo(first);
    assertThat(loaded(load("again", root.resolve("gpt2-tiny").toString()))).isEqualTo(first);
    refused(
        load("again", "gpt2-tiny").setProcessing(ALL), ErrorReason.MODEL_EXISTS, "models/again");
    unload("models/again");
    assertThat(loaded(load("again", "gpt2-tiny").setProcessing(ALL)).getProcessing())
        .isEqualTo(ALL);
  }

  @Test
  void withoutAnIdTheSourceNamesIt() {
    unload(TinyServer.MODEL);
    assertThat(loaded(load("", "gpt2-tiny")).getName()).isEqualTo(TinyServer.MODEL);
    check("run/logits", logits(TinyServer.MODEL));
  }

  @Test
  void nothingOutsideTheNamedFoldersCanBeReached() throws IOException {
    Path outside = TinyServer.folder(Files.createDirectory(parent.resolve("outside")));
    Files.createSymbolicLink(root.resolve("link"), outside);
    for (String source :
        List.of(outside.toString(), "../outside/gpt2-tiny", "link", "", "absent", "/etc")) {
      refused(load("x", source), ErrorReason.MODEL_NOT_FOUND, "source", "hub id");
    }
    assertThat(names()).containsExactly(TinyServer.MODEL);
  }

  /** A hub that takes connections and answers nothing. */
  @Test
  void slowDownloadsAreInNobodysWay() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      silent.setSoTimeout(20_000);
      HubSettings hub =
          new HubSettings(
              URI.create("http://127.0.0.1:" + silent.getLocalPort()),
              parent.resolve("hub"),
              Optional.empty(),
              false,
              Duration.ofSeconds(30),
              1,
              Duration.ofMillis(1));
      tiny.close();
      tiny =
          new TinyServer(
              started,
              config ->
                  config
                      .withLoading(4 * WEIGHT_BYTES, List.of(root))
                      .withHub(hub, DownloadProgress.NONE));
      List<Socket> waiting = new ArrayList<>();
      try (Context.CancellableContext others = Context.current().withCancellation()) {
        for (String id : List.of("a", "b", "c", "d")) {
          others.run(() -> tiny.stub().loadModel(load(id, "owner/" + id).build()));
          waiting.add(silent.accept());
        }
        // Those who wait for a load hold no thread.
        assertThat(Thread.getAllStackTraces().values())
            .allSatisfy(
                frames ->
                    assertThat(frames)
                        .noneMatch(frame -> frame.getMethodName().equals("timedWait")));
        assertThat(loaded(load("x", "gpt2-tiny")).getName()).isEqualTo("models/x");
      } finally {
        for (Socket socket : waiting) {
          socket.close();
        }
      }
    }
  }

  @Test
  void aTokenForTheHubIsNotForEverybody() throws IOException {
    tiny.close();
    HubSettings hub =
        HubSettings.of(
            Map.of(
                "HF_TOKEN", "secret",
                "HF_ENDPOINT", "http://127.0.0.1:1",
                "HF_HOME", parent.resolve("hub").toString()));
    tiny = new TinyServer(started, config -> config.withHub(hub, DownloadProgress.NONE));
    refused(load("x", "owner/private"), ErrorReason.MODEL_NOT_FOUND, "source", "token");
  }

  @Test
  void badRequestsAreNamed() throws IOException {
    refused(load("No Good", "gpt2-tiny"), ErrorReason.INVALID_NAME, "No Good");
    refused(
        load("x", "gpt2-tiny").setComputeTypeValue(9), ErrorReason.INVALID_VALUE, "compute_type");
    Files.writeString(root.resolve("gpt2-tiny/config.json"), "{\"model_type\": \"llama\"}");
    refused(load("x", "gpt2-tiny"), ErrorReason.UNREADABLE_MODEL, "llama");
    assertThat(names()).containsExactly(TinyServer.MODEL);
  }

  @Test
  void weightsThatDoNotFitAreRefusedAndFitOnceOthersAreGone() {
    loaded(load("a", "gpt2-tiny"));
    loaded(load("b", "gpt2-tiny"));
    refused(
        load("c", "gpt2-tiny").setProcessing(ALL),
        ErrorReason.OUT_OF_BUDGET,
        "model c",
        "are free",
        "once others are unloaded");
    unload("models/a");
    loaded(load("c", "gpt2-tiny").setProcessing(ALL));
    assertThat(names()).containsExactly("models/b", "models/c", TinyServer.MODEL);
  }

  @Test
  void aFailedLoadGivesItsMemoryBack() throws IOException {
    Path weights = root.resolve("gpt2-tiny/model.safetensors");
    byte[] whole = Files.readAllBytes(weights);
    Files.write(weights, new byte[20]);
    for (int i = 0; i < 5; i++) {
      refused(load("x", "gpt2-tiny"), ErrorReason.UNREADABLE_MODEL, "model.safetensors");
    }
    Files.write(weights, whole);
    loaded(load("x", "gpt2-tiny"));
  }

  @Test
  void manyWhoWantTheSameShareOneLoad() {
    List<CompletableFuture<Model>> futures = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      futures.add(CompletableFuture.supplyAsync(() -> loaded(load("shared", "gpt2-tiny"))));
    }
    assertThat(futures.stream().map(CompletableFuture::join).distinct()).hasSize(1);
    assertThat(names()).containsExactly(TinyServer.MODEL, "models/shared");
  }

  @Test
  void aModelInUseIsGoneForNewRequestsAndStaysForRunningOnes() throws Exception {
    BlockingQueue<Object> events = new LinkedBlockingQueue<>();
    StreamObserver<RunWithHooksRequest> requests = tiny.async().runWithHooks(into(events));
    requests.onNext(
        RunWithHooksRequest.newBuilder()
            .setHeader(
                RunWithHooksHeader.newBuilder()
                    .addHookPoints("blocks.1.hook_resid_pre")
                    .setForwardPass(
                        RunForwardPassRequest.newBuilder()
                            .setModel(TinyServer.MODEL)
                            .addAllPrompts(tiny.prompts())
                            .addCaptures(Capture.newBuilder().setHookPoint("unembed.hook_out"))))
            .build());
    assertThat(events.poll(60, TimeUnit.SECONDS)).isInstanceOf(RunWithHooksResponse.class);

    CompletableFuture<UnloadModelResponse> unloading =
        CompletableFuture.supplyAsync(() -> unload(TinyServer.MODEL));
    while (!names().isEmpty()) {
      Thread.sleep(1);
    }
    StatusRuntimeException gone =
        catchThrowableOfType(StatusRuntimeException.class, () -> logits(TinyServer.MODEL));
    assertThat(LoupeErrors.reason(gone)).hasValue(ErrorReason.MODEL_NOT_FOUND);
    StatusRuntimeException unknown =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () ->
                tiny.stub()
                    .getModel(GetModelRequest.newBuilder().setName(TinyServer.MODEL).build()));
    assertThat(LoupeErrors.reason(unknown)).hasValue(ErrorReason.MODEL_NOT_FOUND);
    assertThat(unloading).isNotDone();

    requests.onNext(
        RunWithHooksRequest.newBuilder().setKeep(KeepActivation.getDefaultInstance()).build());
    RunWithHooksResponse last = null;
    for (Object event = events.poll(60, TimeUnit.SECONDS);
        event instanceof RunWithHooksResponse response;
        event = events.poll(60, TimeUnit.SECONDS)) {
      last = response;
    }
    check("run/logits", last.getResult());
    assertThat(unloading.get(60, TimeUnit.SECONDS)).isNotNull();
  }

  private static StreamObserver<RunWithHooksResponse> into(BlockingQueue<Object> events) {
    return new StreamObserver<>() {
      @Override
      public void onNext(RunWithHooksResponse response) {
        events.add(response);
      }

      @Override
      public void onError(Throwable t) {
        events.add(t);
      }

      @Override
      public void onCompleted() {
        events.add("completed");
      }
    };
  }
}
