package dev.loupe.inference.grpc.attribution;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.LensLayer;
import dev.loupe.inference.analysis.LogitLens;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.ModelMessages;
import dev.loupe.inference.grpc.requests.Prompts;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.ComputeLogitLensRequest;
import dev.loupe.proto.inference.v1.ComputeLogitLensResponse;
import dev.loupe.proto.inference.v1.LensPosition;
import java.util.ArrayList;
import java.util.List;

/** ComputeLogitLens. */
final class Lens {
  private static final int MAX_TOP_K = 20;
  private static final int DEFAULT_TOP_K = 5;

  private final ModelLookup models;
  private final DeviceRunner device;

  Lens(ModelLookup models, DeviceRunner device) {
    this.models = models;
    this.device = device;
  }

  ComputeLogitLensResponse run(ComputeLogitLensRequest request) {
    ServedModel model = models.named("model", request.getModel());
    int[] row = new Prompts(model).row("prompt", request.getPrompt(), request.getOmitBos());
    int topK = Checks.count("top_k", request.getTopK(), MAX_TOP_K, DEFAULT_TOP_K);
    for (int i = 0; i < request.getTrackedTokensCount(); i++) {
      Checks.token(
          "tracked_tokens[" + i + "]",
          request.getTrackedTokens(i),
          model.config().vocabularySize());
    }
    int places = request.getPositionsCount() == 0 ? row.length : request.getPositionsCount();
    long scores = (long) places * (topK + request.getTrackedTokensCount());
    Checks.responseFits(
        Checks.SCORED_TOKEN_BYTES * scores * (model.config().layers() + 1),
        "ask for fewer positions, top_k or tracked tokens");
    Call call = Tenants.current();
    List<LensLayer> layers =
        DomainErrors.translated(
            () ->
                device.run(
                    call,
                    cost(model, row.length, places),
                    new Work(model.id(), 1, row.length),
                    turn -> {
                      try (NDManager scope = model.newScope()) {
                        return new LogitLens(model.transformer())
                            .read(
                                scope,
                                row,
                                request.getPositionsList(),
                                topK,
                                request.getTrackedTokensList(),
                                turn.control());
                      }
                    }));
    return message(model, row, layers);
  }

  private static PassCost cost(ServedModel model, int length, int places) {
    List<HookPoint> depths = new ArrayList<>();
    for (int layer = 0; layer < model.config().layers(); layer++) {
      depths.add(HookPoint.of(HookKind.RESID_POST, layer));
    }
    return PassCost.of(model.config(), 1, length, LogitsMode.NONE, depths)
        .plus(8L * places * model.config().vocabularySize());
  }

  private static ComputeLogitLensResponse message(
      ServedModel model, int[] row, List<LensLayer> layers) {
    ComputeLogitLensResponse.Builder response =
        ComputeLogitLensResponse.newBuilder()
            .addAllIds(ModelMessages.ids(row))
            .addAllTokens(ModelMessages.texts(model, row))
            .setProvenance(Provenances.of(model));
    for (LensLayer layer : layers) {
      var message =
          dev.loupe.proto.inference.v1.LensLayer.newBuilder().setHookPoint(layer.point().name());
      for (LensLayer.Position position : layer.positions()) {
        LensPosition.Builder at = LensPosition.newBuilder().setPosition(position.position());
        position.top().forEach(score -> at.addTop(ModelMessages.score(model, score)));
        position.tracked().forEach(score -> at.addTracked(ModelMessages.score(model, score)));
        message.addPositions(at);
      }
      response.addLayers(message);
    }
    return response.build();
  }
}
