package dev.loupe.sae.client;

import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceStub;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.RunWithHooksHeader;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorAssembler;
import dev.loupe.tensor.grpc.TensorMessages;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;

/** One RunWithHooks call that replaces the activation at one hook point. */
final class SplicedCall
    implements ClientResponseObserver<RunWithHooksRequest, RunWithHooksResponse> {
  private static final long MAX_ARRAY_BYTES = 256L << 20;
  private static final long TIMEOUT_SECONDS = 300;

  private final UnaryOperator<LabelledTensor> replace;
  private final TensorAssembler assembler = new TensorAssembler(MAX_ARRAY_BYTES);
  private final CompletableFuture<LabelledTensor> activation = new CompletableFuture<>();
  private final CompletableFuture<RunForwardPassResponse> result = new CompletableFuture<>();
  private ClientCallStreamObserver<RunWithHooksRequest> requests;

  private SplicedCall(UnaryOperator<LabelledTensor> replace) {
    this.replace = replace;
  }

  /** Runs the pass; the replacement is made on the calling thread. */
  static RunForwardPassResponse run(
      InferenceServiceStub stub,
      RunForwardPassRequest pass,
      String hookPoint,
      UnaryOperator<LabelledTensor> replace) {
    SplicedCall call = new SplicedCall(replace);
    stub.runWithHooks(call);
    try {
      return call.run(pass, hookPoint);
    } catch (RuntimeException e) {
      call.requests.cancel("the caller cannot go on", e);
      throw e;
    }
  }

  private RunForwardPassResponse run(RunForwardPassRequest pass, String hookPoint) {
    requests.onNext(
        RunWithHooksRequest.newBuilder()
            .setHeader(
                RunWithHooksHeader.newBuilder().setForwardPass(pass).addHookPoints(hookPoint))
            .build());
    LabelledTensor replacement = replace.apply(get(activation));
    for (Iterator<TensorChunk> chunks = TensorMessages.chunks(replacement); chunks.hasNext(); ) {
      requests.onNext(RunWithHooksRequest.newBuilder().setReplacement(chunks.next()).build());
    }
    RunForwardPassResponse response = get(result);
    requests.onCompleted();
    return response;
  }

  private static <T> T get(CompletableFuture<T> future) {
    try {
      return future.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException known
          ? known
          : new IllegalStateException(e.getCause());
    } catch (TimeoutException e) {
      throw io.grpc.Status.UNAVAILABLE
          .withDescription("nothing came for " + TIMEOUT_SECONDS + " s")
          .withCause(e)
          .asRuntimeException();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the model", e);
    }
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<RunWithHooksRequest> stream) {
    requests = stream;
  }

  @Override
  public void onNext(RunWithHooksResponse response) {
    if (response.hasResult()) {
      result.complete(response.getResult());
    } else if (response.hasActivation()) {
      try {
        assembler.add(response.getActivation().getChunk()).ifPresent(activation::complete);
      } catch (RuntimeException e) {
        onError(e);
      }
    }
  }

  @Override
  public void onError(Throwable t) {
    activation.completeExceptionally(t);
    result.completeExceptionally(t);
  }

  @Override
  public void onCompleted() {
    onError(
        io.grpc.Status.UNAVAILABLE
            .withDescription("the inference service ended the call without a result")
            .asRuntimeException());
  }
}
