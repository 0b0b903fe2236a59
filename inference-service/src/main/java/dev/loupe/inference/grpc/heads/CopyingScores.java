package dev.loupe.inference.grpc.heads;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.Head;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.DeviceTurn;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.inference.weights.Copying;
import dev.loupe.inference.weights.Spectra;
import dev.loupe.proto.inference.v1.ScoreCopyingRequest;
import dev.loupe.proto.inference.v1.ScoreCopyingResponse;
import dev.loupe.server.errors.LoupeException;
import java.util.List;

/** ScoreCopying: layer by layer, giving way to others in between. */
final class CopyingScores {
  private final ModelLookup models;
  private final DeviceRunner device;
  private final Spectra spectra;

  CopyingScores(ModelLookup models, DeviceRunner device, Spectra spectra) {
    this.models = models;
    this.device = device;
    this.spectra = spectra;
  }

  ScoreCopyingResponse run(ScoreCopyingRequest request) {
    ServedModel model = models.named("model", request.getModel());
    Copying.Circuit circuit = circuit(request);
    Copying copying = new Copying(model.transformer(), spectra, circuit);
    double[] scores =
        device.run(
            Tenants.current(),
            PassCost.ofWork(copying.bytes(), "give the server more memory for requests"),
            new Work(model.id(), 0, 0),
            turn -> all(model, copying, turn));
    return ScoreCopyingResponse.newBuilder()
        .addAllScores(HeadMessages.scores(Head.all(model.config()), scores))
        .setProvenance(Provenances.of(model))
        .build();
  }

  private static double[] all(ServedModel model, Copying copying, DeviceTurn turn) {
    int heads = model.config().heads();
    double[] all = new double[model.config().layers() * heads];
    try (NDManager scope = model.newScope()) {
      List<NDArray> middle = copying.middle(scope);
      for (int layer = 0; layer < model.config().layers(); layer++) {
        turn.giveWay();
        System.arraycopy(copying.scores(scope, middle, layer), 0, all, layer * heads, heads);
      }
    }
    return all;
  }

  private static Copying.Circuit circuit(ScoreCopyingRequest request) {
    return switch (request.getCircuit()) {
      case HEAD_CIRCUIT_OV -> Copying.Circuit.OV;
      case HEAD_CIRCUIT_QK -> Copying.Circuit.QK;
      case HEAD_CIRCUIT_OV_RESIDUAL -> Copying.Circuit.OV_RESIDUAL;
      case HEAD_CIRCUIT_QK_RESIDUAL -> Copying.Circuit.QK_RESIDUAL;
      case HEAD_CIRCUIT_UNSPECIFIED, UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              "circuit", request.getCircuitValue(), "one of OV, QK, OV_RESIDUAL and QK_RESIDUAL");
    };
  }
}
