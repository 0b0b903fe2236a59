package dev.loupe.inference.grpc.patching;

import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.proto.inference.v1.PatchingServiceGrpc;
import dev.loupe.proto.inference.v1.SweepPatchesRequest;
import dev.loupe.proto.inference.v1.SweepPatchesResponse;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.StreamLimits;
import io.grpc.stub.StreamObserver;

/** The whole of {@code loupe.inference.v1.PatchingService}. */
public final class PatchingGrpcService extends PatchingServiceGrpc.PatchingServiceImplBase {
  private final BlockingCalls calls;
  private final PatchSweeps sweeps;

  /** A service over loaded models; calls run on these threads. */
  public PatchingGrpcService(ModelRegistry registry, DeviceRunner device, BlockingCalls calls) {
    this.calls = calls;
    this.sweeps = new PatchSweeps(new ModelLookup(registry), device);
  }

  @Override
  public void sweepPatches(
      SweepPatchesRequest request, StreamObserver<SweepPatchesResponse> responses) {
    calls.serverStream(responses, StreamLimits.DEFAULT, sender -> sweeps.run(request, sender));
  }
}
