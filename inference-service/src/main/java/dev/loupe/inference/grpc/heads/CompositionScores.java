package dev.loupe.inference.grpc.heads;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.DeviceTurn;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.inference.weights.Composition;
import dev.loupe.inference.weights.Spectra;
import dev.loupe.proto.inference.v1.ScoreCompositionRequest;
import dev.loupe.proto.inference.v1.ScoreCompositionResponse;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.streams.StreamSender;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import java.util.List;

/** ScoreComposition: layer pair by layer pair, giving way to others in between. */
final class CompositionScores {
  private static final List<String> AXES =
      List.of("earlier_layer", "earlier_head", "later_layer", "later_head");

  private final ModelLookup models;
  private final DeviceRunner device;
  private final Spectra spectra;

  CompositionScores(ModelLookup models, DeviceRunner device, Spectra spectra) {
    this.models = models;
    this.device = device;
    this.spectra = spectra;
  }

  void run(ScoreCompositionRequest request, StreamSender<ScoreCompositionResponse> sender) {
    ServedModel model = models.named("model", request.getModel());
    Composition.Kind kind = kind(request);
    int layers = model.config().layers();
    int heads = model.config().heads();
    Call call = Tenants.current();
    Composition composition = new Composition(model.transformer(), spectra, kind);
    long bytes = composition.bytes() + Float.BYTES * 3L * layers * heads * layers * heads;
    float[] scores =
        device.run(
            call,
            PassCost.ofWork(bytes, "give the server more memory for requests"),
            new Work(model.id(), 0, 0),
            turn -> all(model, composition, turn));
    var chunks =
        TensorMessages.chunks(
            new LabelledTensor(HostTensor.ofFloats(scores, layers, heads, layers, heads), AXES));
    boolean first = true;
    while (chunks.hasNext()) {
      ScoreCompositionResponse.Builder response =
          ScoreCompositionResponse.newBuilder().setChunk(chunks.next());
      if (first) {
        response.setProvenance(Provenances.of(model));
      }
      sender.send(response.build());
      first = false;
    }
  }

  /** [L1, H1, L2, H2]. */
  private static float[] all(ServedModel model, Composition composition, DeviceTurn turn) {
    int layers = model.config().layers();
    int heads = model.config().heads();
    float[] all = new float[layers * heads * layers * heads];
    for (int earlier = 0; earlier < layers - 1; earlier++) {
      try (NDManager scope = model.newScope()) {
        NDArray written = composition.written(scope, earlier);
        for (int later = earlier + 1; later < layers; later++) {
          turn.giveWay();
          float[] scores = composition.scores(scope, written, later);
          for (int head = 0; head < heads; head++) {
            int to = ((earlier * heads + head) * layers + later) * heads;
            System.arraycopy(scores, head * heads, all, to, heads);
          }
        }
      }
    }
    return all;
  }

  private static Composition.Kind kind(ScoreCompositionRequest request) {
    return switch (request.getKind()) {
      case COMPOSITION_KIND_Q -> Composition.Kind.Q;
      case COMPOSITION_KIND_K -> Composition.Kind.K;
      case COMPOSITION_KIND_V -> Composition.Kind.V;
      case COMPOSITION_KIND_UNSPECIFIED, UNRECOGNIZED ->
          throw LoupeException.invalidValue("kind", request.getKindValue(), "one of Q, K and V");
    };
  }
}
