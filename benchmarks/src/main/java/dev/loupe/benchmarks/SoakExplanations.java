package dev.loupe.benchmarks;

import dev.loupe.proto.inference.v1.AttributeLogitsRequest;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.ComputeGradientsRequest;
import dev.loupe.proto.inference.v1.ComputeLogitLensRequest;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.PatchByAttributionRequest;
import dev.loupe.proto.inference.v1.PatchSpread;
import dev.loupe.proto.inference.v1.PatchedActivation;
import dev.loupe.proto.inference.v1.PatchingServiceGrpc;
import dev.loupe.proto.inference.v1.Scale;
import dev.loupe.proto.inference.v1.SweepPatchesRequest;
import dev.loupe.proto.inference.v1.TokenRow;
import io.grpc.Channel;
import java.util.Random;

/** The requests of a soak that explain what a model said. */
final class SoakExplanations {
  private final SoakRequests requests;
  private final AttributionServiceGrpc.AttributionServiceBlockingStub attribution;
  private final PatchingServiceGrpc.PatchingServiceBlockingStub patching;

  SoakExplanations(Channel channel, SoakRequests requests) {
    this.requests = requests;
    this.attribution = AttributionServiceGrpc.newBlockingStub(channel);
    this.patching = PatchingServiceGrpc.newBlockingStub(channel);
  }

  void lens(Random random) {
    attribution.computeLogitLens(
        ComputeLogitLensRequest.newBuilder()
            .setModel(requests.model())
            .setPrompt(requests.prompt(random))
            .addTrackedTokens(requests.token(random))
            .build());
  }

  void logits(Random random) {
    attribution.attributeLogits(
        AttributeLogitsRequest.newBuilder()
            .setModel(requests.model())
            .setPrompt(requests.prompt(random))
            .setPosition(-1)
            .setToken(requests.token(random))
            .setTopNeurons(random.nextInt(5))
            .build());
  }

  void gradients(Random random) {
    ComputeGradientsRequest.Builder request =
        ComputeGradientsRequest.newBuilder()
            .setModel(requests.model())
            .addPrompts(requests.prompt(random))
            .addPrompts(requests.prompt(random))
            .setMetric(requests.metric(random))
            .addGradients(Capture.newBuilder().setHookPoint(requests.hook(random)))
            .addGradients(requests.reduced(random))
            .addActivations(Capture.newBuilder().setHookPoint(requests.residual(random)));
    if (random.nextBoolean()) {
      request.addInterventions(
          Intervention.newBuilder()
              .setHookPoint(requests.residual(random))
              .setScale(Scale.newBuilder().setFactor(0.5f)));
    }
    attribution.computeGradients(request.build()).forEachRemaining(chunk -> {});
  }

  void patchByAttribution(Random random) {
    TokenRow clean = requests.row(random);
    attribution.patchByAttribution(
        PatchByAttributionRequest.newBuilder()
            .setModel(requests.model())
            .setClean(SoakRequests.prompt(clean))
            .setCorrupt(requests.corrupt(random, clean))
            .setMetric(requests.metric(random))
            .addHookPoints(requests.hook(random))
            .addHookPoints("blocks.*.hook_mlp_out")
            .build());
  }

  void sweep(Random random) {
    TokenRow clean = requests.row(random);
    int activation = 1 + random.nextInt(PatchedActivation.values().length - 2);
    patching
        .sweepPatches(
            SweepPatchesRequest.newBuilder()
                .setModel(requests.model())
                .setClean(SoakRequests.prompt(clean))
                .setCorrupt(requests.corrupt(random, clean))
                .setMetric(requests.metric(random))
                .setActivation(PatchedActivation.forNumber(activation))
                .setSpread(PatchSpread.forNumber(1 + random.nextInt(2)))
                .build())
        .forEachRemaining(cells -> {});
  }
}
