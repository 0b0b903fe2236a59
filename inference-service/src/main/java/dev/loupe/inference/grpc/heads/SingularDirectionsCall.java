package dev.loupe.inference.grpc.heads;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.VocabularyProjection.Ends;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Projected;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.inference.weights.SingularDirections;
import dev.loupe.inference.weights.Spectra;
import dev.loupe.proto.inference.v1.ComputeSingularDirectionsRequest;
import dev.loupe.proto.inference.v1.ComputeSingularDirectionsResponse;
import dev.loupe.proto.inference.v1.SingularDirection;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** ComputeSingularDirections. */
final class SingularDirectionsCall {
  private static final int MAX_COUNT = 100;
  private static final int DEFAULT_COUNT = 10;

  private final ModelLookup models;
  private final DeviceRunner device;
  private final Spectra spectra;

  SingularDirectionsCall(ModelLookup models, DeviceRunner device, Spectra spectra) {
    this.models = models;
    this.device = device;
    this.spectra = spectra;
  }

  /** Directions with the tokens of their sides. */
  private record Answer(
      SingularDirections.Found found, Optional<List<Ends>> input, Optional<List<Ends>> output) {}

  ComputeSingularDirectionsResponse run(ComputeSingularDirectionsRequest request) {
    ServedModel model = models.named("model", request.getModel());
    SingularDirections.Matrix matrix = matrix(request);
    HeadChecks.layer("layer", request.getLayer(), model.config());
    HeadChecks.head("head", request.getHead(), model.config());
    int topK =
        Checks.count("top_k", request.getTopK(), Projected.MAX_TOP_K, Projected.DEFAULT_TOP_K);
    int asked = Checks.count("count", request.getCount(), MAX_COUNT, DEFAULT_COUNT);
    int width = model.config().dModel();
    SingularDirections directions = new SingularDirections(model.transformer(), spectra);
    int count = Math.min(asked, directions.most(matrix));
    long bytes = 2L * count * (Float.BYTES * width + 2 * Checks.SCORED_TOKEN_BYTES * topK);
    Checks.responseFits(bytes, "ask for a smaller count or top_k");
    PassCost projection = PassCost.of(model.config(), 1, count, LogitsMode.ALL, List.of());
    Answer answer =
        device.run(
            Tenants.current(),
            PassCost.ofWork(
                projection.bytes() + directions.bytes(matrix),
                "give the server more memory for requests"),
            new Work(model.id(), 0, 0),
            turn -> {
              try (NDManager scope = model.newScope()) {
                SingularDirections.Found found =
                    directions.find(scope, matrix, request.getLayer(), request.getHead(), count);
                var onto = Projected.onto(model, request.getThroughFinalNorm());
                return new Answer(
                    found,
                    found.input().map(side -> onto.project(scope, side, topK)),
                    found.output().map(side -> onto.project(scope, side, topK)));
              }
            });
    return message(model, answer);
  }

  private static ComputeSingularDirectionsResponse message(ServedModel model, Answer answer) {
    ComputeSingularDirectionsResponse.Builder response =
        ComputeSingularDirectionsResponse.newBuilder().setProvenance(Provenances.of(model));
    int width = model.config().dModel();
    for (int i = 0; i < answer.found().values().length; i++) {
      int index = i;
      SingularDirection.Builder direction =
          response.addDirectionsBuilder().setValue(answer.found().values()[i]);
      answer.found().input().ifPresent(side -> direction.setInput(row(side, index, width)));
      answer.found().output().ifPresent(side -> direction.setOutput(row(side, index, width)));
      answer
          .input()
          .ifPresent(
              ends ->
                  direction
                      .addAllInputTokens(Projected.tokens(model, ends.get(index).top()))
                      .addAllInputBottomTokens(Projected.tokens(model, ends.get(index).bottom())));
      answer
          .output()
          .ifPresent(
              ends ->
                  direction
                      .addAllOutputTokens(Projected.tokens(model, ends.get(index).top()))
                      .addAllOutputBottomTokens(Projected.tokens(model, ends.get(index).bottom())));
    }
    return response.build();
  }

  private static Tensor row(float[] rows, int index, int width) {
    float[] row = Arrays.copyOfRange(rows, index * width, (index + 1) * width);
    return TensorMessages.toMessage(
        new LabelledTensor(HostTensor.ofFloats(row, width), List.of("d_model")));
  }

  private static SingularDirections.Matrix matrix(ComputeSingularDirectionsRequest request) {
    return switch (request.getMatrix()) {
      case WEIGHT_MATRIX_OV -> SingularDirections.Matrix.OV;
      case WEIGHT_MATRIX_QK -> SingularDirections.Matrix.QK;
      case WEIGHT_MATRIX_MLP_IN -> SingularDirections.Matrix.MLP_IN;
      case WEIGHT_MATRIX_MLP_OUT -> SingularDirections.Matrix.MLP_OUT;
      case WEIGHT_MATRIX_UNSPECIFIED, UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              "matrix", request.getMatrixValue(), "one of OV, QK, MLP_IN and MLP_OUT");
    };
  }
}
