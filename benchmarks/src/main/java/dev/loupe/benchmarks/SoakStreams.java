package dev.loupe.benchmarks;

import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.KeepActivation;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunWithHooksHeader;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.proto.inference.v1.TokenRow;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.BiConsumer;

/** The requests of a soak in which both sides stream. */
final class SoakStreams {
  private final InferenceServiceGrpc.InferenceServiceStub inference;
  private final String model;

  SoakStreams(InferenceServiceGrpc.InferenceServiceStub inference, String model) {
    this.inference = inference;
    this.model = model;
  }

  /** Answers each response as it comes, until the call ends. */
  private static final class Conversation<Q, R> implements ClientResponseObserver<Q, R> {
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private final BiConsumer<ClientCallStreamObserver<Q>, R> answer;
    private ClientCallStreamObserver<Q> requests;

    Conversation(BiConsumer<ClientCallStreamObserver<Q>, R> answer) {
      this.answer = answer;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> stream) {
      requests = stream;
    }

    @Override
    public void onNext(R response) {
      answer.accept(requests, response);
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

  /** Streams the activations of some batches; may go away at the first. */
  void activations(TokenRow[] rows, boolean cancelled) throws Exception {
    Conversation<StreamActivationsRequest, StreamActivationsResponse> call =
        new Conversation<>(
            (requests, response) -> {
              if (cancelled) {
                requests.cancel("seen enough", null);
              }
            });
    inference.streamActivations(call);
    call.requests.onNext(
        StreamActivationsRequest.newBuilder()
            .setHeader(
                StreamActivationsHeader.newBuilder()
                    .setModel(model)
                    .addCaptures(Capture.newBuilder().setHookPoint("*hook_resid_post")))
            .build());
    for (int batch = 0; batch < rows.length; batch++) {
      call.requests.onNext(
          StreamActivationsRequest.newBuilder()
              .setBatch(
                  TokenBatch.newBuilder()
                      .setBatchId(batch)
                      .addAllRows(Arrays.asList(rows).subList(0, batch + 1)))
              .build());
    }
    call.requests.onCompleted();
    call.await();
  }

  /** Sits in a pass's loop and keeps every activation; may go away at the pause. */
  void hooks(RunForwardPassRequest pass, String hookPoint, boolean cancelled) throws Exception {
    Conversation<RunWithHooksRequest, RunWithHooksResponse> call =
        new Conversation<>(
            (requests, response) -> {
              if (cancelled) {
                requests.cancel("seen enough", null);
              } else if (response.hasActivation() && isWhole(response)) {
                requests.onNext(
                    RunWithHooksRequest.newBuilder()
                        .setKeep(KeepActivation.getDefaultInstance())
                        .build());
              }
            });
    inference.runWithHooks(call);
    call.requests.onNext(
        RunWithHooksRequest.newBuilder()
            .setHeader(
                RunWithHooksHeader.newBuilder().setForwardPass(pass).addHookPoints(hookPoint))
            .build());
    call.await();
  }

  /** The activations of a soak's model fit into one chunk. */
  private static boolean isWhole(RunWithHooksResponse response) {
    var chunk = response.getActivation().getChunk();
    long elements =
        chunk.getLayout().getAxesList().stream()
            .mapToLong(a -> a.getSize())
            .reduce(1, (a, b) -> a * b);
    return chunk.getOffset() == 0 && chunk.getData().size() == Float.BYTES * elements;
  }
}
