package dev.loupe.benchmarks;

import dev.loupe.proto.inference.v1.ActivationChunk;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceImplBase;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.StreamLimits;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import io.grpc.stub.StreamObserver;
import java.util.Iterator;

/** Answers StreamActivations as the inference service does, with activations that are there. */
final class ReadyActivations extends InferenceServiceImplBase implements AutoCloseable {
  private final BlockingCalls calls = new BlockingCalls("ready", 4);
  private final LabelledTensor tensor;
  private final int batches;

  ReadyActivations(LabelledTensor tensor, int batches) {
    this.tensor = tensor;
    this.batches = batches;
  }

  @Override
  public StreamObserver<StreamActivationsRequest> streamActivations(
      StreamObserver<StreamActivationsResponse> responses) {
    return calls.<StreamActivationsRequest, StreamActivationsResponse>bidi(
        responses,
        StreamLimits.BULK,
        (requests, sender) -> {
          for (int id = 0; id < batches; id++) {
            Iterator<TensorChunk> chunks = TensorMessages.chunks(tensor);
            while (chunks.hasNext()) {
              sender.send(
                  StreamActivationsResponse.newBuilder()
                      .setBatchId(id)
                      .setChunk(
                          ActivationChunk.newBuilder()
                              .setHookPoint("blocks.6.hook_resid_post")
                              .setChunk(chunks.next()))
                      .build());
            }
          }
        });
  }

  @Override
  public void close() {
    calls.close();
  }
}
