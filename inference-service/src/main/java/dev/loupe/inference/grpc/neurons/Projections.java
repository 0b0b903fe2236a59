package dev.loupe.inference.grpc.neurons;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.VocabularyProjection;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.FloatTensors;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Projected;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.ProjectToVocabularyRequest;
import dev.loupe.proto.inference.v1.ProjectToVocabularyResponse;
import dev.loupe.tensor.HostTensor;
import java.util.List;

/** ProjectToVocabulary. */
final class Projections {
  private static final long MAX_BYTES = 1 << 20;

  private final ModelLookup models;
  private final DeviceRunner device;

  Projections(ModelLookup models, DeviceRunner device) {
    this.models = models;
    this.device = device;
  }

  ProjectToVocabularyResponse run(ProjectToVocabularyRequest request) {
    ServedModel model = models.named("model", request.getModel());
    int topK =
        Checks.count("top_k", request.getTopK(), Projected.MAX_TOP_K, Projected.DEFAULT_TOP_K);
    float[] directions = directions(model, request);
    int rows = directions.length / model.config().dModel();
    Projected.checkFits(topK, rows);
    Call call = Tenants.current();
    List<VocabularyProjection.Ends> ends =
        DomainErrors.translated(
            () ->
                device.run(
                    call,
                    PassCost.of(model.config(), 1, rows, LogitsMode.ALL, List.of()),
                    new Work(model.id(), 0, 0),
                    turn -> {
                      try (NDManager scope = model.newScope()) {
                        return Projected.onto(model, request.getThroughFinalNorm())
                            .project(scope, directions, topK);
                      }
                    }));
    return ProjectToVocabularyResponse.newBuilder()
        .addAllProjections(ends.stream().map(of -> Projected.message(model, of)).toList())
        .setProvenance(Provenances.of(model))
        .build();
  }

  private static float[] directions(ServedModel model, ProjectToVocabularyRequest request) {
    int width = model.config().dModel();
    String axes = "[1 or more, %d]".formatted(width);
    HostTensor tensor = FloatTensors.matrix("directions", request.getDirections(), MAX_BYTES, axes);
    if (tensor.shape()[1] != width) {
      throw FloatTensors.wrongShape("directions", tensor, axes);
    }
    return tensor.toFloats();
  }
}
