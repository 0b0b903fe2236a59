package dev.loupe.benchmarks;

import dev.loupe.proto.inference.v1.ActivationChunk;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.AttributionTargets;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.KeepActivation;
import dev.loupe.proto.inference.v1.LinearAttributionHeader;
import dev.loupe.proto.inference.v1.NeuronGroup;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.RunWithHooksHeader;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.proto.inference.v1.ScanNeuronsHeader;
import dev.loupe.proto.inference.v1.ScanNeuronsRequest;
import dev.loupe.proto.inference.v1.ScanNeuronsResponse;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.StreamLinearAttributionsRequest;
import dev.loupe.proto.inference.v1.StreamLinearAttributionsResponse;
import dev.loupe.proto.inference.v1.TargetPlace;
import dev.loupe.proto.inference.v1.TokenBatch;
import io.grpc.Channel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** The requests of a soak in which both sides stream. */
final class SoakStreams {
  private static final int MOST_BATCHES = 4;

  private final SoakRequests requests;
  private final InferenceServiceGrpc.InferenceServiceStub inference;
  private final AttributionServiceGrpc.AttributionServiceStub attribution;
  private final NeuronServiceGrpc.NeuronServiceStub neurons;

  SoakStreams(Channel channel, SoakRequests requests) {
    this.requests = requests;
    this.inference = InferenceServiceGrpc.newStub(channel);
    this.attribution = AttributionServiceGrpc.newStub(channel);
    this.neurons = NeuronServiceGrpc.newStub(channel);
  }

  /** Answers each response as it comes, until the call ends. */
  private static final class Conversation<Q, R> implements ClientResponseObserver<Q, R> {
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private final BiConsumer<StreamObserver<Q>, R> answer;
    private StreamObserver<Q> questions;

    Conversation(BiConsumer<StreamObserver<Q>, R> answer) {
      this.answer = answer;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> stream) {
      questions = stream;
    }

    @Override
    public void onNext(R response) {
      answer.accept(questions, response);
    }

    @Override
    public void onError(Throwable error) {
      end.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      end.complete(null);
    }

    void await() throws Exception {
      try {
        end.get();
      } catch (ExecutionException e) {
        throw (Exception) e.getCause();
      }
    }
  }

  /** Says everything at once and listens to the end. */
  private static <Q, R> void say(Consumer<StreamObserver<R>> call, List<Q> questions)
      throws Exception {
    Conversation<Q, R> conversation = new Conversation<>((stream, response) -> {});
    call.accept(conversation);
    questions.forEach(conversation.questions::onNext);
    conversation.questions.onCompleted();
    conversation.await();
  }

  private TokenBatch batch(Random random, int id) {
    TokenBatch.Builder batch = TokenBatch.newBuilder().setBatchId(id);
    for (int row = 0; row <= random.nextInt(4); row++) {
      batch.addRows(requests.row(random));
    }
    return batch.build();
  }

  void activations(Random random) throws Exception {
    List<StreamActivationsRequest> questions = new ArrayList<>();
    questions.add(
        StreamActivationsRequest.newBuilder()
            .setHeader(
                StreamActivationsHeader.newBuilder()
                    .setModel(requests.model())
                    .addCaptures(Capture.newBuilder().setHookPoint("*hook_resid_post"))
                    .addCaptures(requests.reduced(random)))
            .build());
    for (int id = 0; id < 1 + random.nextInt(MOST_BATCHES); id++) {
      questions.add(StreamActivationsRequest.newBuilder().setBatch(batch(random, id)).build());
    }
    SoakStreams.<StreamActivationsRequest, StreamActivationsResponse>say(
        inference::streamActivations, questions);
  }

  void scan(Random random) throws Exception {
    List<ScanNeuronsRequest> questions = new ArrayList<>();
    questions.add(
        ScanNeuronsRequest.newBuilder()
            .setHeader(
                ScanNeuronsHeader.newBuilder()
                    .setModel(requests.model())
                    .addNeurons(NeuronGroup.newBuilder().setHookPoint("blocks.*.mlp.hook_post"))
                    .setTopK(1 + random.nextInt(5))
                    .setTokensBefore(2)
                    .setOnePerRow(random.nextBoolean())
                    .setHistogram(random.nextBoolean()))
            .build());
    for (int id = 0; id < 1 + random.nextInt(MOST_BATCHES); id++) {
      questions.add(ScanNeuronsRequest.newBuilder().setBatch(batch(random, id)).build());
    }
    SoakStreams.<ScanNeuronsRequest, ScanNeuronsResponse>say(neurons::scanNeurons, questions);
  }

  void linearAttributions(Random random) throws Exception {
    List<StreamLinearAttributionsRequest> questions = new ArrayList<>();
    questions.add(
        StreamLinearAttributionsRequest.newBuilder()
            .setHeader(
                LinearAttributionHeader.newBuilder()
                    .setModel(requests.model())
                    .setPrompt(requests.prompt(random))
                    .addSources(Capture.newBuilder().setHookPoint("hook_embed"))
                    .addSources(Capture.newBuilder().setHookPoint("blocks.*.hook_mlp_out")))
            .build());
    for (int id = 0; id < 1 + random.nextInt(MOST_BATCHES); id++) {
      AttributionTargets.Builder targets = AttributionTargets.newBuilder().setBatchId(id);
      for (int target = 0; target <= id; target++) {
        targets.addPlaces(
            TargetPlace.newBuilder().setHookPoint(requests.residual(random)).setPosition(-1));
      }
      targets.setVectors(requests.vectors(random, "target", targets.getPlacesCount()));
      questions.add(StreamLinearAttributionsRequest.newBuilder().setTargets(targets).build());
    }
    SoakStreams.<StreamLinearAttributionsRequest, StreamLinearAttributionsResponse>say(
        attribution::streamLinearAttributions, questions);
  }

  /** Sits in a pass's loop; keeps each activation, or sends it back as a new value. */
  void hooks(Random random) throws Exception {
    boolean replace = random.nextBoolean();
    Conversation<RunWithHooksRequest, RunWithHooksResponse> call =
        new Conversation<>(
            (questions, response) -> {
              if (response.hasActivation()) {
                questions.onNext(answer(response.getActivation(), replace));
              }
            });
    inference.runWithHooks(call);
    call.questions.onNext(
        RunWithHooksRequest.newBuilder()
            .setHeader(
                RunWithHooksHeader.newBuilder()
                    .setForwardPass(requests.pass(random))
                    .addHookPoints(requests.hook(random)))
            .build());
    call.await();
  }

  /** The activations of a soak's model fit into one chunk. */
  private static RunWithHooksRequest answer(ActivationChunk activation, boolean replace) {
    RunWithHooksRequest.Builder answer = RunWithHooksRequest.newBuilder();
    return replace
        ? answer.setReplacement(activation.getChunk()).build()
        : answer.setKeep(KeepActivation.getDefaultInstance()).build();
  }
}
