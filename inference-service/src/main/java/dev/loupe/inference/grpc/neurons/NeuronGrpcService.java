package dev.loupe.inference.grpc.neurons;

import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.ProjectToVocabularyRequest;
import dev.loupe.proto.inference.v1.ProjectToVocabularyResponse;
import dev.loupe.server.streams.BlockingCalls;
import io.grpc.stub.StreamObserver;

/** The whole of {@code loupe.inference.v1.NeuronService}; each RPC has its own class. */
public final class NeuronGrpcService extends NeuronServiceGrpc.NeuronServiceImplBase {
  private final BlockingCalls calls;
  private final Projections projections;

  /** A service over loaded models; calls run on these threads. */
  public NeuronGrpcService(ModelRegistry registry, DeviceRunner device, BlockingCalls calls) {
    this.calls = calls;
    ModelLookup models = new ModelLookup(registry);
    this.projections = new Projections(models, device);
  }

  @Override
  public void projectToVocabulary(
      ProjectToVocabularyRequest request, StreamObserver<ProjectToVocabularyResponse> responses) {
    calls.unary(responses, () -> projections.run(request));
  }
}
