package dev.loupe.inference.grpc.neurons;

import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.proto.inference.v1.ComputeNeuronEffectsRequest;
import dev.loupe.proto.inference.v1.ComputeNeuronEffectsResponse;
import dev.loupe.proto.inference.v1.FindNearestTokensRequest;
import dev.loupe.proto.inference.v1.FindNearestTokensResponse;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.ProjectToVocabularyRequest;
import dev.loupe.proto.inference.v1.ProjectToVocabularyResponse;
import dev.loupe.proto.inference.v1.ScanNeuronsRequest;
import dev.loupe.proto.inference.v1.ScanNeuronsResponse;
import dev.loupe.server.streams.BlockingCalls;
import io.grpc.stub.StreamObserver;

/** The whole of {@code loupe.inference.v1.NeuronService}; each RPC has its own class. */
public final class NeuronGrpcService extends NeuronServiceGrpc.NeuronServiceImplBase {
  private final BlockingCalls calls;
  private final Projections projections;
  private final NeuronScans scans;
  private final NeuronEffectsCall effects;
  private final NearestTokensCall nearest;

  /** A service over loaded models; calls run on these threads. */
  public NeuronGrpcService(ModelRegistry registry, DeviceRunner device, BlockingCalls calls) {
    this.calls = calls;
    ModelLookup models = new ModelLookup(registry);
    this.projections = new Projections(models, device);
    this.scans = new NeuronScans(models, device);
    this.effects = new NeuronEffectsCall(models, device);
    this.nearest = new NearestTokensCall(models, device);
  }

  @Override
  public void projectToVocabulary(
      ProjectToVocabularyRequest request, StreamObserver<ProjectToVocabularyResponse> responses) {
    calls.unary(responses, () -> projections.run(request));
  }

  @Override
  public StreamObserver<ScanNeuronsRequest> scanNeurons(
      StreamObserver<ScanNeuronsResponse> responses) {
    return calls.bidi(responses, NeuronScans.LIMITS, scans::run);
  }

  @Override
  public void computeNeuronEffects(
      ComputeNeuronEffectsRequest request, StreamObserver<ComputeNeuronEffectsResponse> responses) {
    calls.unary(responses, () -> effects.run(request));
  }

  @Override
  public void findNearestTokens(
      FindNearestTokensRequest request, StreamObserver<FindNearestTokensResponse> responses) {
    calls.unary(responses, () -> nearest.run(request));
  }
}
