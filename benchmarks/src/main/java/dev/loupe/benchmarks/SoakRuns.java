package dev.loupe.benchmarks;

import com.google.protobuf.Duration;
import dev.loupe.proto.inference.v1.ActivationCache;
import dev.loupe.proto.inference.v1.AddDirection;
import dev.loupe.proto.inference.v1.CachedValue;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.ClampFeature;
import dev.loupe.proto.inference.v1.DeleteActivationCacheRequest;
import dev.loupe.proto.inference.v1.DetokenizeRequest;
import dev.loupe.proto.inference.v1.DirectionUnit;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GetActivationCacheRequest;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.KeepCaptures;
import dev.loupe.proto.inference.v1.ListActivationCachesRequest;
import dev.loupe.proto.inference.v1.ListHookPointsRequest;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.LoadModelRequest;
import dev.loupe.proto.inference.v1.Mean;
import dev.loupe.proto.inference.v1.Patch;
import dev.loupe.proto.inference.v1.ProjectOut;
import dev.loupe.proto.inference.v1.ReadActivationCacheRequest;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.Scale;
import dev.loupe.proto.inference.v1.SetValue;
import dev.loupe.proto.inference.v1.SwapDirections;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.proto.inference.v1.UnloadModelRequest;
import dev.loupe.proto.inference.v1.WeightProcessing;
import dev.loupe.proto.inference.v1.Zero;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.Random;

/** The requests of a soak that run a model, keep what it did, write with it, and load another. */
final class SoakRuns {
  /** Under which the soak keeps activations. */
  static final String OWNER_KEY = "a soak's own secret";

  private final SoakRequests requests;
  private final Path folder;
  private final InferenceServiceGrpc.InferenceServiceBlockingStub inference;

  SoakRuns(Channel channel, SoakRequests requests, Path folder) {
    this.requests = requests;
    this.folder = folder;
    this.inference = InferenceServiceGrpc.newBlockingStub(channel);
  }

  void pass(Random random) {
    inference.runForwardPass(requests.pass(random).build());
  }

  void reduced(Random random) {
    inference.runForwardPass(
        requests.pass(random).addCaptures(requests.reduced(random)).setLoss(true).build());
  }

  void edited(Random random) {
    RunForwardPassRequest.Builder pass = requests.pass(random);
    for (int i = 0; i < 1 + random.nextInt(3); i++) {
      pass.addInterventions(edit(random));
    }
    inference.runForwardPass(pass.build());
  }

  /** A hook point that may hold zeros: a layer norm divides by its scale. */
  private String zeroable(Random random) {
    String hook = requests.hook(random);
    return hook.endsWith("hook_scale") ? requests.residual(random) : hook;
  }

  private Intervention edit(Random random) {
    Intervention.Builder edit =
        Intervention.newBuilder().setHookPoint(requests.residual(random)).addPositions(-1);
    switch (random.nextInt(9)) {
      case 0 -> edit.setHookPoint(zeroable(random)).setZero(Zero.getDefaultInstance());
      case 1 ->
          edit.setHookPoint(requests.hook(random)).setScale(Scale.newBuilder().setFactor(0.5f));
      case 2 -> edit.setSet(SetValue.newBuilder().addAllValues(requests.direction(random)));
      case 3 ->
          edit.setAddDirection(
              AddDirection.newBuilder()
                  .addAllDirection(requests.direction(random))
                  .setCoefficient(2)
                  .setUnit(DirectionUnit.forNumber(random.nextInt(3))));
      case 4 ->
          edit.setClampFeature(
              ClampFeature.newBuilder()
                  .addAllEncoder(requests.direction(random))
                  .addAllDecoder(requests.direction(random))
                  .setValue(3));
      case 5 -> edit.setMean(Mean.newBuilder().setEachPosition(random.nextBoolean()));
      case 6 ->
          edit.setProjectOut(
              ProjectOut.newBuilder().setDirections(requests.vectors(random, "vector", 2)));
      case 7 ->
          edit.setSwap(
              SwapDirections.newBuilder()
                  .addAllFirst(requests.direction(random))
                  .addAllSecond(requests.direction(random)));
      default ->
          edit.clearPositions()
              .addPositions(1)
              .setPatch(Patch.newBuilder().setRow(0).addSourcePositions(0));
    }
    return edit.build();
  }

  /** Keeps a run, reads it in both ways, patches from it, and drops it or lets it run out. */
  void cache(Random random) {
    String point = requests.residual(random);
    RunForwardPassRequest.Builder pass =
        RunForwardPassRequest.newBuilder()
            .setModel(requests.model())
            .addPrompts(requests.prompt(random));
    ActivationCache cache =
        inference
            .runForwardPass(
                pass.clone()
                    .addCaptures(Capture.newBuilder().setHookPoint(point))
                    .addCaptures(Capture.newBuilder().setHookPoint("blocks.*.hook_resid_post"))
                    .setKeep(
                        KeepCaptures.newBuilder()
                            .setOwnerKey(OWNER_KEY)
                            .setTimeToLive(Duration.newBuilder().setSeconds(5)))
                    .build())
            .getCache();
    inference.getActivationCache(
        GetActivationCacheRequest.newBuilder().setName(cache.getName()).build());
    inference.listActivationCaches(
        ListActivationCachesRequest.newBuilder()
            .setParent(requests.model())
            .setOwnerKey(OWNER_KEY)
            .build());
    inference
        .readActivationCache(
            ReadActivationCacheRequest.newBuilder().setName(cache.getName()).build())
        .forEachRemaining(chunk -> {});
    inference
        .readActivationCache(
            ReadActivationCacheRequest.newBuilder()
                .setName(cache.getName())
                .addCaptures(Capture.newBuilder().setHookPoint(point).addPositions(-1))
                .build())
        .forEachRemaining(chunk -> {});
    inference.runForwardPass(
        pass.clone()
            .addInterventions(
                Intervention.newBuilder()
                    .setHookPoint(point)
                    .setPatch(
                        Patch.newBuilder()
                            .setCached(CachedValue.newBuilder().setCache(cache.getName()))))
            .build());
    if (random.nextBoolean()) {
      inference.deleteActivationCache(
          DeleteActivationCacheRequest.newBuilder().setName(cache.getName()).build());
    }
  }

  void generate(Random random) {
    GenerateTextRequest.Builder request =
        GenerateTextRequest.newBuilder()
            .setModel(requests.model())
            .setMaxNewTokens(1 + random.nextInt(8))
            .setTemperature(random.nextInt(2))
            .setTopK(random.nextInt(5))
            .setTopP(random.nextBoolean() ? 0.9f : 1)
            .setFrequencyPenalty(random.nextInt(2))
            .setTopLogProbabilities(random.nextInt(3))
            .setSeed(random.nextLong())
            .addStopTokens(requests.token(random))
            .addStopStrings("ab")
            .addCaptures(Capture.newBuilder().setHookPoint(requests.residual(random)))
            .addInterventions(
                Intervention.newBuilder()
                    .setHookPoint(requests.residual(random))
                    .setScale(Scale.newBuilder().setFactor(0.9f)));
    for (int i = 0; i < 1 + random.nextInt(3); i++) {
      request.addPrompts(requests.prompt(random));
    }
    inference.generateText(request.build()).forEachRemaining(token -> {});
  }

  /** Loads the model once more under a name of its own, runs it, and unloads it. */
  void second(Random random) {
    String id = "second-" + Long.toHexString(random.nextLong());
    boolean processed = random.nextBoolean();
    try {
      load(id, processed);
      inference.runForwardPass(requests.pass(random).setModel("models/" + id).build());
      unload(id);
    } catch (StatusRuntimeException e) {
      Context.ROOT.run( // so that none stays, wherever it was cut off
          () -> {
            load(id, processed);
            unload(id);
          });
      throw e;
    }
  }

  private void load(String id, boolean processed) {
    inference
        .loadModel(
            LoadModelRequest.newBuilder()
                .setModelId(id)
                .setSource(folder.toString())
                .setProcessing(WeightProcessing.newBuilder().setFoldLn(processed))
                .build())
        .forEachRemaining(progress -> {});
  }

  private void unload(String id) {
    inference.unloadModel(UnloadModelRequest.newBuilder().setName("models/" + id).build());
  }

  void tokens(Random random) {
    inference.tokenize(
        TokenizeRequest.newBuilder()
            .setModel(requests.model())
            .addTexts("number " + random.nextInt())
            .build());
    inference.detokenize(
        DetokenizeRequest.newBuilder()
            .setModel(requests.model())
            .addIds(random.nextInt(256))
            .build());
  }

  void descriptions(Random random) {
    inference.listModels(ListModelsRequest.getDefaultInstance());
    inference.getModel(GetModelRequest.newBuilder().setName(requests.model()).build());
    inference.listHookPoints(ListHookPointsRequest.newBuilder().setModel(requests.model()).build());
  }

  /** A request that the server must refuse. */
  void bad(Random random) {
    RunForwardPassRequest.Builder request = requests.pass(random);
    TokenRow tooLong = requests.row(random, requests.config().contextLength() + 1);
    switch (random.nextInt(6)) {
      case 0 -> request.addCaptures(Capture.newBuilder().setHookPoint("blocks.99.hook_z"));
      case 1 -> request.addPrompts(SoakRequests.prompt(TokenRow.getDefaultInstance()));
      case 2 -> request.addPredictionPositions(requests.config().contextLength());
      case 3 -> request.addPrompts(SoakRequests.prompt(tooLong));
      case 4 ->
          request.addInterventions(
              Intervention.newBuilder()
                  .setHookPoint(requests.residual(random))
                  .setSet(SetValue.newBuilder().addValues(1).addValues(2)));
      default ->
          request.addInterventions(
              Intervention.newBuilder()
                  .setHookPoint(requests.hook(random))
                  .setZero(Zero.getDefaultInstance())
                  .addPositions(requests.config().contextLength()));
    }
    inference.runForwardPass(request.build());
  }
}
