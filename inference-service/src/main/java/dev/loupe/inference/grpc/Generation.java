package dev.loupe.inference.grpc;

import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.generation.GenerationRequest;
import dev.loupe.inference.generation.GenerationStep;
import dev.loupe.inference.generation.SamplingOptions;
import dev.loupe.inference.generation.TextGenerator;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.Interventions;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Prompts;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.FinishReason;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.streams.StreamSender;
import java.util.Set;

/** GenerateText. */
final class Generation {
  private static final double MAX_TEMPERATURE = 10;

  private final ModelLookup models;
  private final DeviceRunner device;
  private final InferenceMetrics metrics;

  Generation(ModelLookup models, DeviceRunner device, InferenceMetrics metrics) {
    this.models = models;
    this.device = device;
    this.metrics = metrics;
  }

  void run(GenerateTextRequest request, StreamSender<GenerateTextResponse> sender) {
    ServedModel model = models.named("model", request.getModel());
    GenerationRequest generation = request(model, request);
    Call call = Tenants.current();
    DomainErrors.translated(
        () -> {
          new TextGenerator(model, device)
              .generate(
                  generation,
                  call,
                  step -> {
                    metrics.generated(model.id());
                    sender.send(message(step));
                  });
          return null;
        });
  }

  private static GenerationRequest request(ServedModel model, GenerateTextRequest request) {
    int[] prompt =
        new Prompts(model)
            .rows("prompts", request.getPromptsList(), request.getOmitBos(), 1)
            .get(0);
    int context = model.config().contextLength();
    int most = context - prompt.length;
    int asked = request.getMaxNewTokens();
    if (asked < 1) {
      throw LoupeException.invalidValue("max_new_tokens", asked, "1 or more");
    }
    if (asked > most) {
      throw LoupeException.of(
              ErrorReason.PROMPT_TOO_LONG,
              "%d prompt tokens and max_new_tokens %d exceed the model's context of %d; ask for at most %d"
                  .formatted(prompt.length, asked, context, most))
          .with("limit", context);
    }
    for (int i = 0; i < request.getStopTokensCount(); i++) {
      Checks.token(
          "stop_tokens[" + i + "]", request.getStopTokens(i), model.config().vocabularySize());
    }
    checkPositions(request, prompt.length + asked);
    HookProgram.Builder program = HookProgram.builder(model.config());
    Interventions.compile(model, request.getInterventionsList(), program);
    return new GenerationRequest(
        prompt,
        asked,
        sampling(model, request),
        Set.copyOf(request.getStopTokensList()),
        program.build());
  }

  private static void checkPositions(GenerateTextRequest request, int longest) {
    for (int i = 0; i < request.getInterventionsCount(); i++) {
      Intervention intervention = request.getInterventions(i);
      for (int position : intervention.getPositionsList()) {
        if (position < -longest || position >= longest) {
          throw LoupeException.of(
                  ErrorReason.POSITION_OUT_OF_RANGE,
                  "interventions[%d].positions holds %d; the whole text has at most %d tokens"
                      .formatted(i, position, longest))
              .with("field", "interventions[" + i + "].positions");
        }
      }
      for (int row : intervention.getRowsList()) {
        if (row != 0) {
          throw LoupeException.invalidValue(
              "interventions[" + i + "].rows", row, "0, the only row");
        }
      }
    }
  }

  private static SamplingOptions sampling(ServedModel model, GenerateTextRequest request) {
    float temperature = request.getTemperature();
    Checks.finite("temperature", temperature);
    if (temperature < 0 || temperature > MAX_TEMPERATURE) {
      throw LoupeException.invalidValue("temperature", temperature, "0 to 10");
    }
    float topP = request.getTopP();
    if (!(topP >= 0 && topP <= 1)) {
      throw LoupeException.invalidValue("top_p", topP, "a number in (0, 1], or 0 for 1");
    }
    int topK = request.getTopK();
    if (topK < 0) {
      throw LoupeException.invalidValue(
          "top_k", topK, "0 for all, or 1 to " + model.config().vocabularySize());
    }
    return new SamplingOptions(temperature, topK, topP == 0 ? 1 : topP, request.getSeed());
  }

  private static GenerateTextResponse message(GenerationStep step) {
    GenerateTextResponse.Builder message =
        GenerateTextResponse.newBuilder()
            .setId(step.id())
            .setText(step.text())
            .setLogProbability((float) step.logProbability());
    if (step.end() != null) {
      message.setFinishReason(
          switch (step.end()) {
            case LENGTH -> FinishReason.FINISH_REASON_LENGTH;
            case STOP_TOKEN -> FinishReason.FINISH_REASON_STOP_TOKEN;
          });
    }
    return message.build();
  }
}
