package dev.loupe.inference.grpc;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.generation.Beginning;
import dev.loupe.inference.generation.GenerationRequest;
import dev.loupe.inference.generation.GenerationStep;
import dev.loupe.inference.generation.Penalties;
import dev.loupe.inference.generation.SamplingOptions;
import dev.loupe.inference.generation.TextGenerator;
import dev.loupe.inference.grpc.requests.CapturedMessages;
import dev.loupe.inference.grpc.requests.Captures;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.Interventions;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Prompts;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.RequestedCapture;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.proto.inference.v1.FinishReason;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.TokenLogProbability;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.streams.StreamSender;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** GenerateText. */
final class Generation {
  private static final double MAX_TEMPERATURE = 10;
  private static final double MAX_PENALTY = 2;
  private static final double MAX_REPETITION_PENALTY = 10;
  private static final int MAX_TEXTS = 64;
  private static final int MAX_ALTERNATIVES = 100;
  private static final int MAX_STOP_STRINGS = 16;
  private static final int MAX_STOP_STRING = 256;

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
    List<RequestedCapture> captures = captures(model, request);
    GenerationRequest generation = request(model, request, captures);
    Call call = Tenants.current();
    Set<List<Integer>> begun = new HashSet<>();
    DomainErrors.translated(
        () -> {
          new TextGenerator(model, device)
              .generate(
                  generation,
                  call,
                  step -> {
                    metrics.generated(model.id());
                    GenerateTextResponse.Builder message = message(model, captures, step);
                    if (begun.add(List.of(step.prompt(), step.sample()))) {
                      message.setProvenance(Provenances.of(model));
                    }
                    sender.send(message.build());
                  });
          return null;
        });
  }

  private static GenerationRequest request(
      ServedModel model, GenerateTextRequest request, List<RequestedCapture> captures) {
    List<int[]> prompts =
        new Prompts(model)
            .rows("prompts", request.getPromptsList(), request.getOmitBos(), MAX_TEXTS);
    int samples = samples(request.getSamples(), prompts.size());
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
    int asked = newTokens(model, request, longest);
    for (int i = 0; i < request.getStopTokensCount(); i++) {
      Checks.token(
          "stop_tokens[" + i + "]", request.getStopTokens(i), model.config().vocabularySize());
    }
    checkStopStrings(request.getStopStringsList());
    checkPlaces(request, prompts, asked);
    HookProgram.Builder program = HookProgram.builder(model.config());
    Interventions.compile(
        model, SampleRows.of(request.getInterventionsList(), prompts.size(), samples), program);
    captures.forEach(capture -> program.capture(capture.point()));
    checkActivations(captures, longest, asked);
    HookProgram built = program.build();
    List<Beginning> texts = Beginning.of(prompts, samples);
    int[] lengths = texts.stream().mapToInt(text -> text.tokens().length).toArray();
    DomainErrors.translated(
        () -> built.check(new PassRows(new int[lengths.length], lengths, longest, true)));
    return new GenerationRequest(
        texts,
        asked,
        sampling(model, request),
        new GenerationRequest.Stops(
            stopTokens(model, request), List.copyOf(request.getStopStringsList())),
        Checks.count(
            "top_log_probabilities", request.getTopLogProbabilities(), MAX_ALTERNATIVES, 0),
        built);
  }

  private static int samples(int asked, int prompts) {
    int samples = Checks.count("samples", asked, MAX_TEXTS, 1);
    if (prompts * samples > MAX_TEXTS) {
      throw LoupeException.invalidValue(
          "samples",
          samples,
          "at most %d for %d prompts, as %d texts are made together at most"
              .formatted(MAX_TEXTS / prompts, prompts, MAX_TEXTS));
    }
    return samples;
  }

  private static Set<Integer> stopTokens(ServedModel model, GenerateTextRequest request) {
    Set<Integer> tokens = new HashSet<>(request.getStopTokensList());
    if (!request.getIgnoreEos()) {
      tokens.addAll(model.stopTokens());
    }
    return Set.copyOf(tokens);
  }

  private static int newTokens(ServedModel model, GenerateTextRequest request, int longest) {
    int context = model.config().contextLength();
    int most = context - longest;
    int asked = request.getMaxNewTokens();
    if (asked < 1) {
      throw LoupeException.invalidValue("max_new_tokens", asked, "1 or more");
    }
    if (asked > most) {
      throw LoupeException.of(
              ErrorReason.PROMPT_TOO_LONG,
              "%d prompt tokens and max_new_tokens %d exceed the model's context of %d; ask for at most %d"
                  .formatted(longest, asked, context, most))
          .with("limit", context);
    }
    return asked;
  }

  private static void checkStopStrings(List<String> strings) {
    Checks.size("stop_strings", strings.size(), 0, MAX_STOP_STRINGS);
    for (int i = 0; i < strings.size(); i++) {
      int length = strings.get(i).length();
      if (length < 1 || length > MAX_STOP_STRING) {
        throw LoupeException.invalidValue(
            "stop_strings[" + i + "]", length + " characters", "1 to " + MAX_STOP_STRING);
      }
    }
  }

  private static List<RequestedCapture> captures(ServedModel model, GenerateTextRequest request) {
    for (int i = 0; i < request.getCapturesCount(); i++) {
      if (request.getCaptures(i).getPositionsCount() > 0) {
        throw LoupeException.invalidValue(
            "captures[" + i + "].positions",
            request.getCaptures(i).getPositionsList(),
            "none, as each step has positions of its own");
      }
    }
    return Captures.of(model, "captures", request.getCapturesList(), 0);
  }

  /** A step's message holds its activations whole. */
  private static void checkActivations(List<RequestedCapture> captures, int longest, int asked) {
    long prompt = 0;
    long step = 0;
    for (RequestedCapture capture : captures) {
      prompt += capture.wireBytes(PassRows.of(new int[] {longest}));
      long whole = capture.wireBytes(PassRows.of(new int[] {longest + asked}));
      step += whole / (longest + asked);
    }
    Checks.responseFits(
        Math.max(prompt, step), "ask for fewer hook points, or give shorter prompts");
  }

  private static void checkPlaces(GenerateTextRequest request, List<int[]> prompts, int asked) {
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow() + asked;
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
        if (row < 0 || row >= prompts.size()) {
          throw LoupeException.invalidValue(
              "interventions[" + i + "].rows",
              row,
              prompts.size() == 1 ? "0, the only row" : "0 to " + (prompts.size() - 1));
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
    return new SamplingOptions(
        temperature, topK, topP == 0 ? 1 : topP, penalties(request), request.getSeed());
  }

  private static Penalties penalties(GenerateTextRequest request) {
    float repetition = request.getRepetitionPenalty();
    if (!(repetition >= 0 && repetition <= MAX_REPETITION_PENALTY)) {
      throw LoupeException.invalidValue(
          "repetition_penalty", repetition, "a number above 0, at most 10, or 0 for 1");
    }
    return new Penalties(
        repetition == 0 ? 1 : repetition,
        penalty("frequency_penalty", request.getFrequencyPenalty()),
        penalty("presence_penalty", request.getPresencePenalty()));
  }

  private static float penalty(String field, float penalty) {
    if (!(Math.abs(penalty) <= MAX_PENALTY)) {
      throw LoupeException.invalidValue(field, penalty, "-2 to 2");
    }
    return penalty;
  }

  private static GenerateTextResponse.Builder message(
      ServedModel model, List<RequestedCapture> captures, GenerationStep step) {
    GenerateTextResponse.Builder message =
        GenerateTextResponse.newBuilder()
            .setPrompt(step.prompt())
            .setSample(step.sample())
            .setId(step.id())
            .setText(step.text())
            .setLogProbability((float) step.logProbability());
    for (GenerationStep.Alternative token : step.alternatives()) {
      message.addTop(
          TokenLogProbability.newBuilder()
              .setId(token.id())
              .setToken(model.tokenizer().text(token.id()))
              .setLogProbability((float) token.logProbability()));
    }
    captures.forEach(capture -> message.addActivations(activation(capture, step)));
    if (step.end() != null) {
      message.setFinishReason(
          switch (step.end()) {
            case LENGTH -> FinishReason.FINISH_REASON_LENGTH;
            case STOP_TOKEN -> FinishReason.FINISH_REASON_STOP_TOKEN;
            case STOP_STRING -> FinishReason.FINISH_REASON_STOP_STRING;
          });
    }
    return message;
  }

  /** The step's positions are a pass of their own, so a capture sees them as one row. */
  private static CapturedActivation activation(RequestedCapture capture, GenerationStep step) {
    NDArray value = step.activations().get(capture.point());
    int columns = (int) value.getShape().get(capture.point().kind().positionAxis());
    PassRows row = PassRows.of(new int[] {columns});
    return CapturedMessages.copied(
        capture,
        capture.compiled().layout(value.getShape().getShape(), row),
        capture.compiled().read(value, row));
  }
}
