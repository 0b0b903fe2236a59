package dev.loupe.inference.grpc.heads;

import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsResponse;
import dev.loupe.server.streams.BlockingCalls;
import io.grpc.stub.StreamObserver;

/** The whole of {@code loupe.inference.v1.HeadService}; each RPC has its own class. */
public final class HeadGrpcService extends HeadServiceGrpc.HeadServiceImplBase {
  private final BlockingCalls calls;
  private final HeadScores scores;

  /** A service over loaded models; calls run on these threads. */
  public HeadGrpcService(ModelRegistry registry, DeviceRunner device, BlockingCalls calls) {
    this.calls = calls;
    ModelLookup models = new ModelLookup(registry);
    this.scores = new HeadScores(models, device);
  }

  @Override
  public void scoreHeads(ScoreHeadsRequest request, StreamObserver<ScoreHeadsResponse> responses) {
    calls.unary(responses, () -> scores.run(request));
  }
}
