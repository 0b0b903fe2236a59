package dev.loupe.standalone.client;

import com.google.common.primitives.Floats;
import com.google.common.primitives.Ints;
import dev.loupe.proto.inference.v1.AttributeLogitsRequest;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc.AttributionServiceBlockingStub;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.ClampFeature;
import dev.loupe.proto.inference.v1.ComputeLogitLensRequest;
import dev.loupe.proto.inference.v1.ComputeType;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.HeadPattern;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.HeadServiceGrpc.HeadServiceBlockingStub;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceBlockingStub;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.LensPosition;
import dev.loupe.proto.inference.v1.ListHookPointsRequest;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.LoadModelRequest;
import dev.loupe.proto.inference.v1.LoadModelResponse;
import dev.loupe.proto.inference.v1.LoadProgress;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.proto.inference.v1.Prediction;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.RandomRepeats;
import dev.loupe.proto.inference.v1.RowResult;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsResponse;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.proto.inference.v1.TokenScore;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.proto.inference.v1.WeightProcessing;
import io.grpc.Channel;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Asks the inference service about one model. */
public final class ModelClient {
  private static final long DEADLINE_SECONDS = 120;
  private static final int MOST_GUESSES = 100;

  private final InferenceServiceBlockingStub stub;
  private final String model;

  ModelClient(Channel channel, String model) {
    this.stub = InferenceServiceGrpc.newBlockingStub(channel);
    this.model = model;
  }

  /** The names of the models that are loaded. */
  static List<String> loaded(Channel channel) {
    return InferenceServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
        .listModels(ListModelsRequest.getDefaultInstance())
        .getModelsList()
        .stream()
        .map(Model::getName)
        .toList();
  }

  /** The model's name, {@code models/{model}}. */
  public String name() {
    return model;
  }

  /**
   * Has a model loaded and waits until it serves.
   *
   * @return its name
   * @throws io.grpc.StatusRuntimeException when it cannot be loaded
   */
  static String load(Channel channel, ModelLoad load, ModelLoad.Steps steps) {
    LoadModelRequest request =
        LoadModelRequest.newBuilder()
            .setModelId(load.id())
            .setSource(load.source())
            .setComputeType(
                load.bf16() ? ComputeType.COMPUTE_TYPE_BF16 : ComputeType.COMPUTE_TYPE_F32)
            .setProcessing(processing(load.processing()))
            .build();
    Iterator<LoadModelResponse> answers =
        InferenceServiceGrpc.newBlockingStub(channel).loadModel(request);
    while (answers.hasNext()) {
      LoadModelResponse answer = answers.next();
      if (answer.hasModel()) {
        return answer.getModel().getName();
      }
      LoadProgress at = answer.getProgress();
      steps.at(at.getStep(), at.getDoneBytes(), at.getTotalBytes());
    }
    throw new IllegalStateException("the call ended without the model");
  }

  /** What the model is. */
  public ModelInfo info() {
    Model m = call().getModel(GetModelRequest.newBuilder().setName(model).build());
    return new ModelInfo(
        m.getName(),
        m.getLayers(),
        m.getHeads(),
        m.getDModel(),
        m.getDMlp(),
        m.getVocabularySize(),
        m.getContextSize(),
        m.getParameters(),
        m.getBosToken(),
        m.getWeightsSha256(),
        m.getDevice(),
        steps(m.getProcessing()));
  }

  private static WeightProcessing processing(List<String> steps) {
    return WeightProcessing.newBuilder()
        .setFoldLn(steps.contains("fold_ln"))
        .setCenterWritingWeights(steps.contains("center_writing_weights"))
        .setCenterUnembed(steps.contains("center_unembed"))
        .setFoldValueBiases(steps.contains("fold_value_biases"))
        .build();
  }

  private static int steps(WeightProcessing processing) {
    return (int)
        Stream.of(
                processing.getFoldLn(),
                processing.getCenterWritingWeights(),
                processing.getCenterUnembed(),
                processing.getFoldValueBiases())
            .filter(taken -> taken)
            .count();
  }

  /**
   * The hook point of a name or alias.
   *
   * @throws io.grpc.StatusRuntimeException UNKNOWN_HOOK_POINT with the nearest names
   */
  public HookPointInfo hookPoint(String name) {
    // The service knows every form of a name: it says which hook point it captured.
    String canonical =
        call()
            .runForwardPass(
                pass()
                    .addPrompts(Prompt.newBuilder().setTokens(TokenRow.newBuilder().addIds(0)))
                    .addCaptures(Capture.newBuilder().setHookPoint(name))
                    .build())
            .getActivations(0)
            .getHookPoint();
    return hookPoints().stream()
        .filter(point -> point.name().equals(canonical))
        .findFirst()
        .orElseThrow();
  }

  /** Every hook point, in the order in which a pass meets them. */
  public List<HookPointInfo> hookPoints() {
    return call()
        .listHookPoints(ListHookPointsRequest.newBuilder().setModel(model).build())
        .getHookPointsList()
        .stream()
        .map(point -> new HookPointInfo(point.getName(), point.getAxesList()))
        .toList();
  }

  /** Tokenizes texts, at most 1,024 and 1 MiB together; nothing is put before them. */
  public List<TokenizedText> tokenize(List<String> texts) {
    return call()
        .tokenize(
            TokenizeRequest.newBuilder()
                .setModel(model)
                .addAllTexts(texts)
                .setOmitBos(true)
                .build())
        .getTextsList()
        .stream()
        .map(
            text ->
                new TokenizedText(
                    Ints.toArray(text.getIdsList()),
                    text.getTokensList(),
                    Ints.toArray(text.getByteEndsList())))
        .toList();
  }

  /** The likeliest tokens to follow a text. */
  public List<TokenGuess> predict(String prompt, int topK) {
    RowResult row =
        call()
            .runForwardPass(pass().setTopK(topK).addPrompts(text(prompt)).build())
            .getRowsList()
            .get(0);
    return guesses(row.getPredictions(0).getTopList());
  }

  /**
   * The probability of a token to follow a text, with features held; 0 when a hundred others are
   * likelier.
   */
  public double probability(String prompt, int token, List<FeatureClamp> clamps) {
    RunForwardPassRequest.Builder request = pass().addPrompts(text(prompt)).setTopK(MOST_GUESSES);
    clamps.forEach(clamp -> request.addInterventions(intervention(clamp)));
    RowResult row = call().runForwardPass(request.build()).getRows(0);
    return row.getPredictions(0).getTopList().stream()
        .filter(guess -> guess.getId() == token)
        .mapToDouble(TokenScore::getProbability)
        .findFirst()
        .orElse(0);
  }

  /**
   * The likeliest token after some positions of rows of token ids.
   *
   * @param rows at most 64 rows
   * @param positions positions of every row, negative ones from its end
   * @return token ids, [rows, positions]
   */
  public int[][] predictTokens(List<int[]> rows, List<Integer> positions) {
    RunForwardPassRequest.Builder request = pass().setTopK(1).addAllPredictionPositions(positions);
    rows.forEach(row -> request.addPrompts(Prompt.newBuilder().setTokens(tokenRow(row))));
    int[][] best = new int[rows.size()][positions.size()];
    List<RowResult> results = call().runForwardPass(request.build()).getRowsList();
    for (int r = 0; r < best.length; r++) {
      List<Prediction> predictions = results.get(r).getPredictionsList();
      for (int p = 0; p < best[r].length; p++) {
        best[r][p] = predictions.get(p).getTop(0).getId();
      }
    }
    return best;
  }

  /** The logit lens at a text's last token, after the embedding and after every block. */
  public List<LensRow> logitLens(String prompt, int topK, int trackedToken) {
    return attribution()
        .computeLogitLens(
            ComputeLogitLensRequest.newBuilder()
                .setModel(model)
                .setPrompt(text(prompt))
                .setTopK(topK)
                .addPositions(-1)
                .addTrackedTokens(trackedToken)
                .build())
        .getLayersList()
        .stream()
        .map(layer -> lensRow(layer.getHookPoint(), layer.getPositions(0)))
        .toList();
  }

  /** What each component adds to a token's logit at a text's last position. */
  public List<LogitPart> attribute(String prompt, int token) {
    return attribution()
        .attributeLogits(
            AttributeLogitsRequest.newBuilder()
                .setModel(model)
                .setPrompt(text(prompt))
                .setPosition(-1)
                .setToken(token)
                .build())
        .getContributionsList()
        .stream()
        .map(part -> new LogitPart(part.getComponent(), part.getLogit()))
        .toList();
  }

  /** How much each head attends to the token before, best first; mean over rows of token ids. */
  public List<HeadFit> previousTokenHeads(List<int[]> rows) {
    ScoreHeadsRequest.Builder request =
        ScoreHeadsRequest.newBuilder()
            .setModel(model)
            .setPattern(HeadPattern.HEAD_PATTERN_PREVIOUS_TOKEN);
    rows.forEach(row -> request.addPrompts(Prompt.newBuilder().setTokens(tokenRow(row))));
    return fits(heads().scoreHeads(request.build()));
  }

  /**
   * How much each head attends, from the second half of a repeated random sequence, to the token
   * after the earlier copy; best first.
   */
  public List<HeadFit> inductionHeads(int length, int sequences, long seed) {
    return fits(
        heads()
            .scoreHeads(
                ScoreHeadsRequest.newBuilder()
                    .setModel(model)
                    .setPattern(HeadPattern.HEAD_PATTERN_REPEATED_RANDOM)
                    .setRandomRepeats(
                        RandomRepeats.newBuilder()
                            .setLength(length)
                            .setSequences(sequences)
                            .setSeed(seed))
                    .build()));
  }

  /** Continues a text greedily, with features held. */
  public String generate(String prompt, int newTokens, List<FeatureClamp> clamps) {
    GenerateTextRequest.Builder request =
        GenerateTextRequest.newBuilder()
            .setModel(model)
            .addPrompts(text(prompt))
            .setMaxNewTokens(newTokens);
    clamps.forEach(clamp -> request.addInterventions(intervention(clamp)));
    StringBuilder text = new StringBuilder();
    Iterator<GenerateTextResponse> steps = call().generateText(request.build());
    while (steps.hasNext()) {
      text.append(steps.next().getText());
    }
    return text.toString();
  }

  private InferenceServiceBlockingStub call() {
    return stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  private AttributionServiceBlockingStub attribution() {
    return AttributionServiceGrpc.newBlockingStub(stub.getChannel())
        .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  private HeadServiceBlockingStub heads() {
    return HeadServiceGrpc.newBlockingStub(stub.getChannel())
        .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  private RunForwardPassRequest.Builder pass() {
    return RunForwardPassRequest.newBuilder().setModel(model);
  }

  private static Prompt text(String prompt) {
    return Prompt.newBuilder().setText(prompt).build();
  }

  static TokenRow tokenRow(int[] ids) {
    return TokenRow.newBuilder().addAllIds(Ints.asList(ids)).build();
  }

  private static LensRow lensRow(String hookPoint, LensPosition position) {
    return new LensRow(
        hookPoint, guesses(position.getTopList()), guesses(position.getTrackedList()).get(0));
  }

  private static List<TokenGuess> guesses(List<TokenScore> scores) {
    return scores.stream()
        .map(s -> new TokenGuess(s.getId(), s.getToken(), s.getLogit(), s.getProbability()))
        .toList();
  }

  private static List<HeadFit> fits(ScoreHeadsResponse response) {
    List<HeadFit> fits = new ArrayList<>();
    response
        .getScoresList()
        .forEach(s -> fits.add(new HeadFit(s.getLayer(), s.getHead(), s.getScore())));
    fits.sort((a, b) -> Double.compare(b.score(), a.score()));
    return fits;
  }

  private static Intervention intervention(FeatureClamp clamp) {
    FeatureDirection vectors = clamp.vectors();
    ClampFeature.Builder edit =
        ClampFeature.newBuilder()
            .addAllEncoder(Floats.asList(vectors.encoder()))
            .setEncoderBias(vectors.encoderBias())
            .addAllDecoder(Floats.asList(vectors.decoder()))
            .addAllDecoderBias(Floats.asList(vectors.decoderBias()))
            .setThreshold((float) clamp.threshold());
    if (clamp.multiply()) {
      edit.setMultiplier((float) clamp.amount());
    } else {
      edit.setValue((float) clamp.amount());
    }
    return Intervention.newBuilder().setHookPoint(clamp.hookPoint()).setClampFeature(edit).build();
  }
}
