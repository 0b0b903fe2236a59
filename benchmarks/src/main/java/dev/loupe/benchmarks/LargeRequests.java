package dev.loupe.benchmarks;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.proto.inference.v1.AttributeLogitsRequest;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.CompositionKind;
import dev.loupe.proto.inference.v1.ComputeGradientsRequest;
import dev.loupe.proto.inference.v1.ComputeLogitLensRequest;
import dev.loupe.proto.inference.v1.ComputeNeuronEffectsRequest;
import dev.loupe.proto.inference.v1.ComputeSingularDirectionsRequest;
import dev.loupe.proto.inference.v1.EmbeddingTerm;
import dev.loupe.proto.inference.v1.FindNearestTokensRequest;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.HeadCircuit;
import dev.loupe.proto.inference.v1.HeadPattern;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.LogitDifferenceMetric;
import dev.loupe.proto.inference.v1.Metric;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.Norm;
import dev.loupe.proto.inference.v1.PatchByAttributionRequest;
import dev.loupe.proto.inference.v1.PatchSpread;
import dev.loupe.proto.inference.v1.PatchedActivation;
import dev.loupe.proto.inference.v1.PatchingServiceGrpc;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.Reduction;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.Scale;
import dev.loupe.proto.inference.v1.ScoreCompositionRequest;
import dev.loupe.proto.inference.v1.ScoreCopyingRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.SweepPatchesRequest;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.proto.inference.v1.WeightMatrix;
import io.grpc.Channel;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;

/** One request of each kind, with small answers, that takes the device much memory. */
final class LargeRequests {
  private static final int ROWS = 8;

  private final String model;
  private final GptConfig config;
  private final int width;
  private final Random random = new Random(1);

  LargeRequests(String model, GptConfig config) {
    this.model = model;
    this.config = config;
    this.width = Math.min(128, config.contextLength() / 2);
  }

  /** By name, in the order in which they are sent. */
  Map<String, Consumer<Channel>> all() {
    Map<String, Consumer<Channel>> all = new LinkedHashMap<>();
    all.put("losses", forward(pass().setLoss(true)));
    all.put("likeliest_token", forward(pass().setTopK(1)));
    all.put("residuals", forward(pass().addCaptures(norms("blocks.*.hook_resid_post"))));
    all.put("patterns", forward(pass().addCaptures(norms("blocks.*.attn.hook_pattern"))));
    all.put("results_of_heads", forward(pass().addCaptures(norms("blocks.*.attn.hook_result"))));
    all.put("edited_inputs_of_heads", forward(pass().addInterventions(half("hook_q_input"))));
    all.put("edited_scores", forward(pass().addInterventions(half("attn.hook_attn_scores"))));
    all.put("generation", generation());
    all.put("gradients", gradients("blocks.*.hook_resid_post"));
    all.put("gradients_everywhere", gradients("*"));
    all.put("logit_lens", logitLens());
    all.put("logit_attribution", logitAttribution());
    all.put("attribution_patching", attributionPatching());
    all.put("sweep_residual", sweep(PatchedActivation.PATCHED_ACTIVATION_RESID_PRE));
    all.put("sweep_z", sweep(PatchedActivation.PATCHED_ACTIVATION_HEAD_Z));
    all.put("sweep_patterns", sweep(PatchedActivation.PATCHED_ACTIVATION_HEAD_PATTERN));
    all.put("head_scores", headScores());
    all.put("composition", composition());
    all.put("copying", copying());
    all.put("singular_directions", singularDirections());
    all.put("neuron_effects", neuronEffects());
    all.put("nearest_tokens", nearestTokens());
    return all;
  }

  private Prompt prompt(int length) {
    TokenRow.Builder row = TokenRow.newBuilder();
    random.ints(length, 0, config.vocabularySize()).forEach(row::addIds);
    return Prompt.newBuilder().setTokens(row).build();
  }

  private RunForwardPassRequest.Builder pass() {
    RunForwardPassRequest.Builder request = RunForwardPassRequest.newBuilder().setModel(model);
    for (int row = 0; row < ROWS; row++) {
      request.addPrompts(prompt(width));
    }
    return request;
  }

  private static Consumer<Channel> forward(RunForwardPassRequest.Builder pass) {
    return channel -> InferenceServiceGrpc.newBlockingStub(channel).runForwardPass(pass.build());
  }

  private static Capture norms(String hookPoint) {
    return Capture.newBuilder()
        .setHookPoint(hookPoint)
        .addReductions(Reduction.newBuilder().setNorm(Norm.getDefaultInstance()))
        .build();
  }

  private static Intervention half(String hookPoint) {
    return Intervention.newBuilder()
        .setHookPoint("blocks.1." + hookPoint)
        .setScale(Scale.newBuilder().setFactor(0.5f))
        .build();
  }

  private Metric metric() {
    return Metric.newBuilder()
        .setLogitDifference(
            LogitDifferenceMetric.newBuilder().setPosition(-1).setToken(1).setIncorrectToken(2))
        .build();
  }

  private Consumer<Channel> generation() {
    GenerateTextRequest.Builder request =
        GenerateTextRequest.newBuilder().setModel(model).setMaxNewTokens(4).setTemperature(1);
    for (int row = 0; row < ROWS; row++) {
      request.addPrompts(prompt(width));
    }
    return channel ->
        InferenceServiceGrpc.newBlockingStub(channel)
            .generateText(request.build())
            .forEachRemaining(step -> {});
  }

  private Consumer<Channel> gradients(String hookPoint) {
    ComputeGradientsRequest.Builder request =
        ComputeGradientsRequest.newBuilder()
            .setModel(model)
            .setMetric(metric())
            .addGradients(norms(hookPoint));
    for (int row = 0; row < ROWS; row++) {
      request.addPrompts(prompt(width));
    }
    return channel ->
        AttributionServiceGrpc.newBlockingStub(channel)
            .computeGradients(request.build())
            .forEachRemaining(chunk -> {});
  }

  private Consumer<Channel> logitLens() {
    ComputeLogitLensRequest request =
        ComputeLogitLensRequest.newBuilder()
            .setModel(model)
            .setPrompt(prompt(width))
            .setTopK(1)
            .build();
    return channel -> AttributionServiceGrpc.newBlockingStub(channel).computeLogitLens(request);
  }

  private Consumer<Channel> logitAttribution() {
    AttributeLogitsRequest request =
        AttributeLogitsRequest.newBuilder()
            .setModel(model)
            .setPrompt(prompt(width))
            .setPosition(-1)
            .setToken(1)
            .setTopNeurons(5)
            .build();
    return channel -> AttributionServiceGrpc.newBlockingStub(channel).attributeLogits(request);
  }

  private Consumer<Channel> attributionPatching() {
    PatchByAttributionRequest request =
        PatchByAttributionRequest.newBuilder()
            .setModel(model)
            .setClean(prompt(width))
            .setCorrupt(prompt(width))
            .setMetric(metric())
            .addHookPoints("blocks.*.attn.hook_z")
            .addHookPoints("blocks.*.hook_mlp_out")
            .build();
    return channel -> AttributionServiceGrpc.newBlockingStub(channel).patchByAttribution(request);
  }

  private Consumer<Channel> sweep(PatchedActivation activation) {
    SweepPatchesRequest request =
        SweepPatchesRequest.newBuilder()
            .setModel(model)
            .setClean(prompt(Math.min(width, 20)))
            .setCorrupt(prompt(Math.min(width, 20)))
            .setMetric(metric())
            .setActivation(activation)
            .setSpread(PatchSpread.PATCH_SPREAD_BY_POSITION)
            .build();
    return channel ->
        PatchingServiceGrpc.newBlockingStub(channel)
            .sweepPatches(request)
            .forEachRemaining(cells -> {});
  }

  private Consumer<Channel> headScores() {
    ScoreHeadsRequest.Builder request =
        ScoreHeadsRequest.newBuilder()
            .setModel(model)
            .setPattern(HeadPattern.HEAD_PATTERN_PREVIOUS_TOKEN);
    for (int row = 0; row < ROWS; row++) {
      request.addPrompts(prompt(width));
    }
    return channel -> HeadServiceGrpc.newBlockingStub(channel).scoreHeads(request.build());
  }

  private Consumer<Channel> composition() {
    ScoreCompositionRequest request =
        ScoreCompositionRequest.newBuilder()
            .setModel(model)
            .setKind(CompositionKind.COMPOSITION_KIND_Q)
            .build();
    return channel ->
        HeadServiceGrpc.newBlockingStub(channel)
            .scoreComposition(request)
            .forEachRemaining(chunk -> {});
  }

  private Consumer<Channel> copying() {
    ScoreCopyingRequest request =
        ScoreCopyingRequest.newBuilder()
            .setModel(model)
            .setCircuit(HeadCircuit.HEAD_CIRCUIT_OV)
            .build();
    return channel -> HeadServiceGrpc.newBlockingStub(channel).scoreCopying(request);
  }

  private Consumer<Channel> singularDirections() {
    ComputeSingularDirectionsRequest request =
        ComputeSingularDirectionsRequest.newBuilder()
            .setModel(model)
            .setMatrix(WeightMatrix.WEIGHT_MATRIX_MLP_IN)
            .setCount(3)
            .setTopK(3)
            .build();
    return channel -> HeadServiceGrpc.newBlockingStub(channel).computeSingularDirections(request);
  }

  private Consumer<Channel> neuronEffects() {
    ComputeNeuronEffectsRequest.Builder request =
        ComputeNeuronEffectsRequest.newBuilder().setModel(model).setLayer(1).setTopK(1);
    for (int neuron = 0; neuron < 256 && neuron < config.dMlp(); neuron++) {
      request.addNeurons(neuron);
    }
    return channel ->
        NeuronServiceGrpc.newBlockingStub(channel).computeNeuronEffects(request.build());
  }

  private Consumer<Channel> nearestTokens() {
    FindNearestTokensRequest request =
        FindNearestTokensRequest.newBuilder()
            .setModel(model)
            .addTerms(EmbeddingTerm.newBuilder().setToken(1))
            .build();
    return channel -> NeuronServiceGrpc.newBlockingStub(channel).findNearestTokens(request);
  }
}
