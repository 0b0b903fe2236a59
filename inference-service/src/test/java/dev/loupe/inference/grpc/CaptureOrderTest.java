package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.ActivationCache;
import dev.loupe.proto.inference.v1.ActivationChunk;
import dev.loupe.proto.inference.v1.CachedEntry;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.proto.inference.v1.ComputeGradientsRequest;
import dev.loupe.proto.inference.v1.ComputeGradientsResponse;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.KeepCaptures;
import dev.loupe.proto.inference.v1.Metric;
import dev.loupe.proto.inference.v1.Norm;
import dev.loupe.proto.inference.v1.ReadActivationCacheRequest;
import dev.loupe.proto.inference.v1.ReadActivationCacheResponse;
import dev.loupe.proto.inference.v1.Reduction;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.proto.inference.v1.TokenLogitMetric;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Captures come back in the order in which they were asked for, one for each: also those of one
 * hook point under two names, and those of two patterns that meet.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CaptureOrderTest {
  private static final List<String> ASKED =
      List.of(
          "blocks.2.hook_resid_post",
          "mlp_out1",
          "blocks.*.hook_resid_pre",
          "blocks.1.hook_mlp_out",
          "blocks.1.mlp.hook_out",
          "resid_pre*",
          "hook_embed");

  /** Capture and hook point of each answer. */
  private static final List<String> ANSWERED =
      List.of(
          "0 blocks.2.hook_resid_post",
          "1 blocks.1.hook_mlp_out",
          "2 blocks.0.hook_resid_pre",
          "2 blocks.1.hook_resid_pre",
          "2 blocks.2.hook_resid_pre",
          "3 blocks.1.hook_mlp_out",
          "4 blocks.1.hook_mlp_out",
          "5 blocks.0.hook_resid_pre",
          "5 blocks.1.hook_resid_pre",
          "5 blocks.2.hook_resid_pre",
          "6 hook_embed");

  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private static List<Capture> captures() {
    return ASKED.stream().map(name -> Capture.newBuilder().setHookPoint(name).build()).toList();
  }

  private static RunForwardPassRequest.Builder pass() {
    return RunForwardPassRequest.newBuilder()
        .setModel(TinyServer.MODEL)
        .addPrompts(TinyServer.prompt(5, 80, 9))
        .addAllCaptures(captures());
  }

  private static List<String> order(List<CapturedActivation> activations) {
    return activations.stream()
        .map(activation -> activation.getCapture() + " " + activation.getHookPoint())
        .toList();
  }

  /** A chunk with a layout begins an array. */
  private static List<String> begun(Stream<ActivationChunk> chunks) {
    return chunks
        .filter(chunk -> chunk.getChunk().hasLayout())
        .map(chunk -> chunk.getCapture() + " " + chunk.getHookPoint())
        .toList();
  }

  @Test
  void ofAForwardPass() {
    RunForwardPassResponse response = tiny.stub().runForwardPass(pass().build());
    assertThat(order(response.getActivationsList())).isEqualTo(ANSWERED);
    assertThat(response.getActivations(5).getValue())
        .isEqualTo(response.getActivations(1).getValue());
    assertThat(response.getActivations(1).getValue())
        .isNotEqualTo(response.getActivations(2).getValue());
  }

  @Test
  void ofTheSameHookPointInOtherForms() {
    Capture.Builder whole = Capture.newBuilder().setHookPoint("resid_pre1");
    Capture.Builder last = whole.clone().addPositions(-1);
    Capture.Builder length =
        last.clone().addReductions(Reduction.newBuilder().setNorm(Norm.getDefaultInstance()));
    RunForwardPassResponse response =
        tiny.stub()
            .runForwardPass(
                pass()
                    .clearCaptures()
                    .addCaptures(length)
                    .addCaptures(whole)
                    .addCaptures(last)
                    .addCaptures(length)
                    .build());
    assertThat(response.getActivationsList())
        .extracting(activation -> Activations.shape(activation.getValue()))
        .containsExactly(
            new long[] {1, 1, 1},
            new long[] {1, 3, 32},
            new long[] {1, 1, 32},
            new long[] {1, 1, 1});
  }

  @Test
  void ofKeptActivations() {
    ActivationCache cache =
        tiny.stub()
            .runForwardPass(pass().setKeep(KeepCaptures.getDefaultInstance()).build())
            .getCache();
    assertThat(cache.getEntriesList())
        .extracting((CachedEntry entry) -> entry.getCapture() + " " + entry.getHookPoint())
        .isEqualTo(ANSWERED);
    ReadActivationCacheRequest.Builder read =
        ReadActivationCacheRequest.newBuilder().setName(cache.getName());
    assertThat(read(read)).isEqualTo(ANSWERED);
    assertThat(read(read.addAllCaptures(captures()))).isEqualTo(ANSWERED);
  }

  private List<String> read(ReadActivationCacheRequest.Builder request) {
    List<ActivationChunk> chunks = new ArrayList<>();
    Iterator<ReadActivationCacheResponse> responses =
        tiny.stub().readActivationCache(request.build());
    responses.forEachRemaining(response -> chunks.add(response.getChunk()));
    return begun(chunks.stream());
  }

  @Test
  void ofAStream() throws Exception {
    List<ActivationChunk> chunks = new ArrayList<>();
    CompletableFuture<Void> end = new CompletableFuture<>();
    StreamObserver<StreamActivationsRequest> out =
        tiny.async()
            .streamActivations(
                new StreamObserver<>() {
                  @Override
                  public void onNext(StreamActivationsResponse response) {
                    if (response.hasChunk()) {
                      chunks.add(response.getChunk());
                    }
                  }

                  @Override
                  public void onError(Throwable failure) {
                    end.completeExceptionally(failure);
                  }

                  @Override
                  public void onCompleted() {
                    end.complete(null);
                  }
                });
    out.onNext(
        StreamActivationsRequest.newBuilder()
            .setHeader(
                StreamActivationsHeader.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .addAllCaptures(captures()))
            .build());
    out.onNext(
        StreamActivationsRequest.newBuilder()
            .setBatch(TokenBatch.newBuilder().setBatchId(4).addRows(TinyServer.row(5, 80, 9)))
            .build());
    out.onCompleted();
    end.get(60, TimeUnit.SECONDS);
    assertThat(begun(chunks.stream())).isEqualTo(ANSWERED);
  }

  @Test
  void ofEveryStepOfAText() {
    tiny.stub()
        .generateText(
            GenerateTextRequest.newBuilder()
                .setModel(TinyServer.MODEL)
                .addPrompts(TinyServer.prompt(5, 80, 9))
                .setMaxNewTokens(3)
                .addAllCaptures(captures())
                .build())
        .forEachRemaining(step -> assertThat(order(step.getActivationsList())).isEqualTo(ANSWERED));
  }

  @Test
  void ofGradientsAndTheActivationsBesideThem() {
    List<ComputeGradientsResponse> responses = new ArrayList<>();
    tiny.attribution()
        .computeGradients(
            ComputeGradientsRequest.newBuilder()
                .setModel(TinyServer.MODEL)
                .addPrompts(TinyServer.prompt(5, 80, 9))
                .setMetric(
                    Metric.newBuilder()
                        .setLogit(TokenLogitMetric.newBuilder().setPosition(-1).setToken(3)))
                .addAllGradients(captures())
                .addAllActivations(captures())
                .build())
        .forEachRemaining(responses::add);
    assertThat(
            begun(
                responses.stream()
                    .filter(ComputeGradientsResponse::hasGradient)
                    .map(ComputeGradientsResponse::getGradient)))
        .isEqualTo(ANSWERED);
    assertThat(
            begun(
                responses.stream()
                    .filter(ComputeGradientsResponse::hasActivation)
                    .map(ComputeGradientsResponse::getActivation)))
        .isEqualTo(ANSWERED);
  }
}
