package dev.loupe.inference.grpc.attribution;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.LogitAttribution;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.ModelLookup;
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
import dev.loupe.proto.inference.v1.AttributeLogitsRequest;
import dev.loupe.proto.inference.v1.AttributeLogitsResponse;
import dev.loupe.proto.inference.v1.Contribution;
import dev.loupe.proto.inference.v1.NeuronContribution;
import java.util.List;
import java.util.OptionalInt;

/** AttributeLogits. */
final class Attribution {
  private static final int MAX_NEURONS = 1_000;

  private final ModelLookup models;
  private final DeviceRunner device;

  Attribution(ModelLookup models, DeviceRunner device) {
    this.models = models;
    this.device = device;
  }

  AttributeLogitsResponse run(AttributeLogitsRequest request) {
    ServedModel model = models.named("model", request.getModel());
    int[] row = new Prompts(model).row("prompt", request.getPrompt(), request.getOmitBos());
    int vocabulary = model.config().vocabularySize();
    Checks.token("token", request.getToken(), vocabulary);
    OptionalInt incorrect = OptionalInt.empty();
    if (request.hasIncorrectToken()) {
      Checks.token("incorrect_token", request.getIncorrectToken(), vocabulary);
      incorrect = OptionalInt.of(request.getIncorrectToken());
    }
    OptionalInt other = incorrect;
    Checks.count("top_neurons", request.getTopNeurons(), MAX_NEURONS, 0);
    Call call = Tenants.current();
    LogitAttribution.Split split =
        DomainErrors.translated(
            () ->
                device.run(
                    call,
                    cost(model, row.length),
                    new Work(model.id(), 1, row.length),
                    turn -> {
                      try (NDManager scope = model.newScope()) {
                        return new LogitAttribution(model.transformer())
                            .split(
                                scope,
                                row,
                                request.getPosition(),
                                request.getToken(),
                                other,
                                request.getTopNeurons(),
                                turn.control());
                      }
                    }));
    return message(split).toBuilder().setProvenance(Provenances.of(model)).build();
  }

  /** That of a pass that looks into blocks; what is read there is one position. */
  private static PassCost cost(ServedModel model, int length) {
    List<HookPoint> inside = List.of(HookPoint.of(HookKind.MLP_POST, 0));
    return PassCost.of(model.config(), 1, length, LogitsMode.NONE, inside);
  }

  private static AttributeLogitsResponse message(LogitAttribution.Split split) {
    AttributeLogitsResponse.Builder response =
        AttributeLogitsResponse.newBuilder()
            .setBias((float) split.bias())
            .setTotal((float) split.total());
    for (LogitAttribution.Contribution contribution : split.contributions()) {
      response.addContributions(
          Contribution.newBuilder()
              .setComponent(contribution.component())
              .setLogit((float) contribution.logit()));
    }
    for (LogitAttribution.NeuronContribution neuron : split.neurons()) {
      response.addNeurons(
          NeuronContribution.newBuilder()
              .setLayer(neuron.layer())
              .setNeuron(neuron.neuron())
              .setLogit((float) neuron.logit()));
    }
    return response.build();
  }
}
