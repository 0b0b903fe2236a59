package dev.loupe.inference.grpc.attribution;

import dev.loupe.inference.gradients.BackwardOps;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.proto.inference.v1.AttributeLogitsRequest;
import dev.loupe.proto.inference.v1.AttributeLogitsResponse;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.ComputeGradientsRequest;
import dev.loupe.proto.inference.v1.ComputeGradientsResponse;
import dev.loupe.proto.inference.v1.ComputeLogitLensRequest;
import dev.loupe.proto.inference.v1.ComputeLogitLensResponse;
import dev.loupe.proto.inference.v1.PatchByAttributionRequest;
import dev.loupe.proto.inference.v1.PatchByAttributionResponse;
import dev.loupe.proto.inference.v1.StreamLinearAttributionsRequest;
import dev.loupe.proto.inference.v1.StreamLinearAttributionsResponse;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.StreamLimits;
import io.grpc.stub.StreamObserver;

/** The whole of {@code loupe.inference.v1.AttributionService}; each RPC has its own class. */
public final class AttributionGrpcService
    extends AttributionServiceGrpc.AttributionServiceImplBase {
  private final BlockingCalls calls;
  private final Lens lens;
  private final Attribution attribution;
  private final GradientStreams gradients;
  private final PatchEstimates patches;
  private final LinearAttributions linear;

  /**
   * A service over loaded models; calls run on these threads.
   *
   * @param backward the arithmetic of gradients, which stays the caller's to close
   */
  public AttributionGrpcService(
      ModelRegistry registry, DeviceRunner device, BackwardOps backward, BlockingCalls calls) {
    this.calls = calls;
    ModelLookup models = new ModelLookup(registry);
    this.lens = new Lens(models, device);
    this.attribution = new Attribution(models, device);
    this.gradients = new GradientStreams(models, device, backward);
    this.patches = new PatchEstimates(models, device, backward);
    this.linear = new LinearAttributions(models, device);
  }

  @Override
  public void computeLogitLens(
      ComputeLogitLensRequest request, StreamObserver<ComputeLogitLensResponse> responses) {
    calls.unary(responses, () -> lens.run(request));
  }

  @Override
  public void attributeLogits(
      AttributeLogitsRequest request, StreamObserver<AttributeLogitsResponse> responses) {
    calls.unary(responses, () -> attribution.run(request));
  }

  @Override
  public void computeGradients(
      ComputeGradientsRequest request, StreamObserver<ComputeGradientsResponse> responses) {
    calls.serverStream(responses, StreamLimits.DEFAULT, sender -> gradients.run(request, sender));
  }

  @Override
  public void patchByAttribution(
      PatchByAttributionRequest request, StreamObserver<PatchByAttributionResponse> responses) {
    calls.unary(responses, () -> patches.run(request));
  }

  @Override
  public StreamObserver<StreamLinearAttributionsRequest> streamLinearAttributions(
      StreamObserver<StreamLinearAttributionsResponse> responses) {
    return calls.bidi(responses, LinearAttributions.LIMITS, linear::run);
  }
}
