package dev.loupe.benchmarks;

import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.server.streams.BorrowedResponses;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorAssembler;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A client of StreamActivations that puts every array together, and lets go of it then. */
final class ActivationReader implements StreamObserver<StreamActivationsResponse> {
  private final TensorAssembler assembler = new TensorAssembler(1L << 30);
  private final CompletableFuture<Long> end = new CompletableFuture<>();
  private long bytes;

  private ActivationReader() {}

  /** Sends requests, reads to the end of the stream, and gives the bytes of whole arrays. */
  static long read(Channel channel, List<StreamActivationsRequest> requests) throws Exception {
    ActivationReader reader = new ActivationReader();
    StreamObserver<StreamActivationsRequest> sender =
        InferenceServiceGrpc.newStub(channel)
            .withInterceptors(new BorrowedResponses())
            .withExecutor(Runnable::run)
            .streamActivations(reader);
    requests.forEach(sender::onNext);
    sender.onCompleted();
    return reader.end.get();
  }

  @Override
  public void onNext(StreamActivationsResponse response) {
    if (response.hasChunk()) {
      Optional<LabelledTensor> whole = assembler.add(response.getChunk().getChunk());
      if (whole.isPresent()) {
        bytes += whole.get().tensor().data().remaining();
        assembler.reuse(whole.get());
      }
    }
  }

  @Override
  public void onError(Throwable error) {
    end.completeExceptionally(error);
  }

  @Override
  public void onCompleted() {
    end.complete(bytes);
  }
}
