package dev.loupe.inference.grpc.neurons;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.VocabularyProjection;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Projected;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.neurons.NeuronEffects;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.ComputeNeuronEffectsRequest;
import dev.loupe.proto.inference.v1.ComputeNeuronEffectsResponse;
import dev.loupe.server.errors.LoupeException;
import java.util.List;

/** ComputeNeuronEffects. */
final class NeuronEffectsCall {
  private static final int MAX_NEURONS = 1_000;

  private final ModelLookup models;
  private final DeviceRunner device;

  NeuronEffectsCall(ModelLookup models, DeviceRunner device) {
    this.models = models;
    this.device = device;
  }

  ComputeNeuronEffectsResponse run(ComputeNeuronEffectsRequest request) {
    ServedModel model = models.named("model", request.getModel());
    int layer = request.getLayer();
    if (layer < 0 || layer >= model.config().layers()) {
      throw LoupeException.invalidValue("layer", layer, "0 to " + (model.config().layers() - 1));
    }
    List<Integer> neurons = request.getNeuronsList();
    Checks.size("neurons", neurons.size(), 1, MAX_NEURONS);
    int topK =
        Checks.count("top_k", request.getTopK(), Projected.MAX_TOP_K, Projected.DEFAULT_TOP_K);
    Projected.checkFits(topK, neurons.size());
    Call call = Tenants.current();
    VocabularyProjection onto = Projected.onto(model, request.getThroughFinalNorm());
    List<VocabularyProjection.Ends> effects =
        DomainErrors.translated(
            () ->
                device.run(
                    call,
                    PassCost.of(model.config(), 1, neurons.size(), LogitsMode.ALL, List.of()),
                    new Work(model.id(), 0, 0),
                    turn -> {
                      try (NDManager scope = model.newScope()) {
                        return new NeuronEffects(model.transformer(), onto)
                            .of(scope, layer, neurons, topK);
                      }
                    }));
    return ComputeNeuronEffectsResponse.newBuilder()
        .addAllProjections(effects.stream().map(of -> Projected.message(model, of)).toList())
        .setProvenance(Provenances.of(model))
        .build();
  }
}
