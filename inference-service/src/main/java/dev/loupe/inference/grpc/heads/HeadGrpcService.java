package dev.loupe.inference.grpc.heads;

import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.inference.weights.Spectra;
import dev.loupe.proto.inference.v1.ComputeSingularDirectionsRequest;
import dev.loupe.proto.inference.v1.ComputeSingularDirectionsResponse;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.ScoreCompositionRequest;
import dev.loupe.proto.inference.v1.ScoreCompositionResponse;
import dev.loupe.proto.inference.v1.ScoreCopyingRequest;
import dev.loupe.proto.inference.v1.ScoreCopyingResponse;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsResponse;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.StreamLimits;
import io.grpc.stub.StreamObserver;

/** The whole of {@code loupe.inference.v1.HeadService}; each RPC has its own class. */
public final class HeadGrpcService extends HeadServiceGrpc.HeadServiceImplBase {
  private final BlockingCalls calls;
  private final HeadScores scores;
  private final CompositionScores composition;
  private final CopyingScores copying;
  private final SingularDirectionsCall singularDirections;

  /** A service over loaded models; calls run on these threads and use these kernels. */
  public HeadGrpcService(
      ModelRegistry registry, DeviceRunner device, Spectra spectra, BlockingCalls calls) {
    this.calls = calls;
    ModelLookup models = new ModelLookup(registry);
    this.scores = new HeadScores(models, device);
    this.composition = new CompositionScores(models, device, spectra);
    this.copying = new CopyingScores(models, device, spectra);
    this.singularDirections = new SingularDirectionsCall(models, device, spectra);
  }

  @Override
  public void scoreHeads(ScoreHeadsRequest request, StreamObserver<ScoreHeadsResponse> responses) {
    calls.unary(responses, () -> scores.run(request));
  }

  @Override
  public void scoreComposition(
      ScoreCompositionRequest request, StreamObserver<ScoreCompositionResponse> responses) {
    calls.serverStream(responses, StreamLimits.DEFAULT, sender -> composition.run(request, sender));
  }

  @Override
  public void scoreCopying(
      ScoreCopyingRequest request, StreamObserver<ScoreCopyingResponse> responses) {
    calls.unary(responses, () -> copying.run(request));
  }

  @Override
  public void computeSingularDirections(
      ComputeSingularDirectionsRequest request,
      StreamObserver<ComputeSingularDirectionsResponse> responses) {
    calls.unary(responses, () -> singularDirections.run(request));
  }
}
