package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.inference.TinyServer;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.RandomModel;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.CompositionKind;
import dev.loupe.proto.inference.v1.ComputeGradientsRequest;
import dev.loupe.proto.inference.v1.ComputeGradientsResponse;
import dev.loupe.proto.inference.v1.HeadCircuit;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.LogitDifferenceMetric;
import dev.loupe.proto.inference.v1.Metric;
import dev.loupe.proto.inference.v1.NeuronGroup;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.PatchByAttributionRequest;
import dev.loupe.proto.inference.v1.PatchByAttributionResponse;
import dev.loupe.proto.inference.v1.PatchSpread;
import dev.loupe.proto.inference.v1.PatchedActivation;
import dev.loupe.proto.inference.v1.PatchingServiceGrpc;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.ScanNeuronsHeader;
import dev.loupe.proto.inference.v1.ScanNeuronsRequest;
import dev.loupe.proto.inference.v1.ScanNeuronsResponse;
import dev.loupe.proto.inference.v1.ScoreCompositionRequest;
import dev.loupe.proto.inference.v1.ScoreCompositionResponse;
import dev.loupe.proto.inference.v1.ScoreCopyingRequest;
import dev.loupe.proto.inference.v1.ScoreCopyingResponse;
import dev.loupe.proto.inference.v1.SweepPatchesRequest;
import dev.loupe.proto.inference.v1.SweepPatchesResponse;
import dev.loupe.proto.inference.v1.TokenBatch;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Over real sockets: whatever runs ends within its turn when its caller cancels or is late, and
 * gives its memory back.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GivenUpCallsTest {
  private static final int LENGTH = 48;
  private static final Metric METRIC =
      Metric.newBuilder()
          .setLogitDifference(
              LogitDifferenceMetric.newBuilder().setPosition(-1).setToken(3).setIncorrectToken(7))
          .build();

  private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
  private ControlledServer server;

  /** A model deep enough for a turn to be broken off. */
  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    Path tokens = TinyServer.folder(folder.resolve("tokens"));
    Path deep = Files.createDirectory(folder.resolve("deep"));
    new RandomModel(deep, GptConfig.gpt2(96, 4, 64, LENGTH, 211, 210), 1).close();
    Files.copy(tokens.resolve("tokenizer.json"), deep.resolve("tokenizer.json"));
    server = new ControlledServer(deep, 10);
  }

  @AfterAll
  void stop() {
    server.close();
    clock.shutdownNow();
  }

  private static Prompt prompt(int seed) {
    return TinyServer.prompt(new Random(seed).ints(LENGTH, 0, 211).toArray());
  }

  /** Ends as the call does. */
  private static final class End<T> extends CompletableFuture<Void> implements StreamObserver<T> {
    @Override
    public void onNext(T response) {}

    @Override
    public void onError(Throwable error) {
      completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      complete(null);
    }
  }

  /** Sends a request whose answers go to an observer. */
  private interface Sender<T> {
    void send(Channel channel, StreamObserver<T> answers);
  }

  /** Neither turn that was broken off comes to its end, and nothing stays reserved. */
  private <T> void isGivenUp(Sender<T> sender) throws Exception {
    long finished = server.finishedTurns();
    long begun = server.begunPasses();
    End<T> cancelled = new End<>();
    try (Context.CancellableContext context = Context.current().withCancellation()) {
      context.run(() -> sender.send(server.channel(), cancelled));
      ControlledServer.await("it runs", () -> server.begunPasses() > begun);
      assertThat(server.reserved()).isPositive();
      context.cancel(null);
    }
    endsIn(Status.Code.CANCELLED, cancelled);
    ControlledServer.await("nothing is reserved", () -> server.reserved() == 0);
    End<T> late = new End<>();
    Deadline soon = Deadline.after(15, TimeUnit.MILLISECONDS);
    try (Context.CancellableContext context = Context.current().withDeadline(soon, clock)) {
      context.run(() -> sender.send(server.channel(), late));
      endsIn(Status.Code.DEADLINE_EXCEEDED, late);
    }
    ControlledServer.await("nothing is reserved", () -> server.reserved() == 0);
    assertThat(server.finishedTurns()).isEqualTo(finished);
  }

  private static void endsIn(Status.Code code, End<?> end) throws InterruptedException {
    try {
      end.get();
      throw new AssertionError("it came to its end; expected " + code);
    } catch (ExecutionException e) {
      assertThat(Status.fromThrowable(e).getCode()).isEqualTo(code);
    }
  }

  @Test
  void gradients() throws Exception {
    ComputeGradientsRequest.Builder request =
        ComputeGradientsRequest.newBuilder()
            .setModel(ControlledServer.MODEL)
            .setMetric(METRIC)
            .addGradients(Capture.newBuilder().setHookPoint("hook_embed"));
    for (int row = 0; row < 32; row++) {
      request.addPrompts(prompt(row));
    }
    this.<ComputeGradientsResponse>isGivenUp(
        (channel, answers) ->
            AttributionServiceGrpc.newStub(channel).computeGradients(request.build(), answers));
  }

  @Test
  void attributionPatching() throws Exception {
    PatchByAttributionRequest request =
        PatchByAttributionRequest.newBuilder()
            .setModel(ControlledServer.MODEL)
            .setClean(prompt(1))
            .setCorrupt(prompt(2))
            .setMetric(METRIC)
            .addHookPoints("*")
            .build();
    this.<PatchByAttributionResponse>isGivenUp(
        (channel, answers) ->
            AttributionServiceGrpc.newStub(channel).patchByAttribution(request, answers));
  }

  @Test
  void sweeps() throws Exception {
    SweepPatchesRequest request =
        SweepPatchesRequest.newBuilder()
            .setModel(ControlledServer.MODEL)
            .setClean(prompt(1))
            .setCorrupt(prompt(2))
            .setMetric(METRIC)
            .setActivation(PatchedActivation.PATCHED_ACTIVATION_HEAD_Z)
            .setSpread(PatchSpread.PATCH_SPREAD_BY_POSITION)
            .build();
    long before = server.begunPasses();
    try (Context.CancellableContext context = Context.current().withCancellation()) {
      Iterator<SweepPatchesResponse> answers =
          context.call(
              () -> PatchingServiceGrpc.newBlockingStub(server.channel()).sweepPatches(request));
      long all = answers.next().getRun().getTotalCells();
      assertThat(all).isEqualTo(96L * 4 * LENGTH);
      assertThat(answers.next().getCells().getCellsCount()).isBetween(1, (int) all - 1);
      context.cancel(null);
      ControlledServer.await("nothing is reserved", () -> server.reserved() == 0);
    }
    long turns = server.begunPasses() - before;
    ControlledServer.await("it rests", () -> server.waiting() == 0);
    assertThat(server.begunPasses() - before).isEqualTo(turns);
  }

  @Test
  void compositionScores() throws Exception {
    ScoreCompositionRequest request =
        ScoreCompositionRequest.newBuilder()
            .setModel(ControlledServer.MODEL)
            .setKind(CompositionKind.COMPOSITION_KIND_K)
            .build();
    this.<ScoreCompositionResponse>isGivenUp(
        (channel, answers) -> HeadServiceGrpc.newStub(channel).scoreComposition(request, answers));
  }

  @Test
  void copyingScores() throws Exception {
    ScoreCopyingRequest request =
        ScoreCopyingRequest.newBuilder()
            .setModel(ControlledServer.MODEL)
            .setCircuit(HeadCircuit.HEAD_CIRCUIT_OV)
            .build();
    this.<ScoreCopyingResponse>isGivenUp(
        (channel, answers) -> HeadServiceGrpc.newStub(channel).scoreCopying(request, answers));
  }

  @Test
  void neuronScans() throws Exception {
    TokenBatch.Builder batch = TokenBatch.newBuilder();
    for (int row = 0; row < 64; row++) {
      batch.addRows(prompt(row).getTokens());
    }
    this.<ScanNeuronsResponse>isGivenUp(
        (channel, answers) -> {
          StreamObserver<ScanNeuronsRequest> requests =
              NeuronServiceGrpc.newStub(channel).scanNeurons(answers);
          requests.onNext(
              ScanNeuronsRequest.newBuilder()
                  .setHeader(
                      ScanNeuronsHeader.newBuilder()
                          .setModel(ControlledServer.MODEL)
                          .addNeurons(
                              NeuronGroup.newBuilder().setHookPoint("blocks.95.mlp.hook_post")))
                  .build());
          requests.onNext(ScanNeuronsRequest.newBuilder().setBatch(batch).build());
        });
  }
}
