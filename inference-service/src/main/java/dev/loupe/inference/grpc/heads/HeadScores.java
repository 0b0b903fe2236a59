package dev.loupe.inference.grpc.heads;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.Head;
import dev.loupe.inference.analysis.HeadDetector;
import dev.loupe.inference.analysis.HeadPattern;
import dev.loupe.inference.analysis.HeadScorer;
import dev.loupe.inference.analysis.HeadScoring;
import dev.loupe.inference.analysis.RepeatedRandomTokens;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Prompts;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.HeadScore;
import dev.loupe.proto.inference.v1.RandomRepeats;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsResponse;
import dev.loupe.server.errors.LoupeException;
import java.util.List;

/** ScoreHeads: one turn on the device for each prompt. */
final class HeadScores {
  private static final int MAX_SEQUENCES = 64;

  private final ModelLookup models;
  private final DeviceRunner device;

  HeadScores(ModelLookup models, DeviceRunner device) {
    this.models = models;
    this.device = device;
  }

  ScoreHeadsResponse run(ScoreHeadsRequest request) {
    ServedModel model = models.named("model", request.getModel());
    Call call = Tenants.current();
    return switch (request.getPattern()) {
      case HEAD_PATTERN_PREVIOUS_TOKEN ->
          onPrompts(model, request, HeadPattern.PREVIOUS_TOKEN, call);
      case HEAD_PATTERN_DUPLICATE_TOKEN ->
          onPrompts(model, request, HeadPattern.DUPLICATE_TOKEN, call);
      case HEAD_PATTERN_INDUCTION -> onPrompts(model, request, HeadPattern.INDUCTION, call);
      case HEAD_PATTERN_REPEATED_RANDOM -> onRandom(model, request.getRandomRepeats(), call);
      case HEAD_PATTERN_UNSPECIFIED, HEAD_PATTERN_CUSTOM, UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              "pattern",
              request.getPatternValue(),
              "one of PREVIOUS_TOKEN, DUPLICATE_TOKEN, INDUCTION and REPEATED_RANDOM");
    };
  }

  private ScoreHeadsResponse onPrompts(
      ServedModel model, ScoreHeadsRequest request, HeadPattern pattern, Call call) {
    List<int[]> rows =
        new Prompts(model)
            .rows("prompts", request.getPromptsList(), request.getOmitBos(), MAX_SEQUENCES);
    HeadScoring scoring =
        new HeadScoring(
            measure(request), request.getExcludeBos(), request.getExcludeCurrentToken());
    return mean(model, rows, scoring.against(pattern), call);
  }

  private static HeadScoring.Measure measure(ScoreHeadsRequest request) {
    return switch (request.getErrorMeasure()) {
      case HEAD_ERROR_MEASURE_UNSPECIFIED, HEAD_ERROR_MEASURE_OVERLAP ->
          HeadScoring.Measure.OVERLAP;
      case HEAD_ERROR_MEASURE_ABSOLUTE -> HeadScoring.Measure.ABSOLUTE;
      case UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              "error_measure", request.getErrorMeasureValue(), "OVERLAP or ABSOLUTE");
    };
  }

  private ScoreHeadsResponse onRandom(ServedModel model, RandomRepeats repeats, Call call) {
    int longest = (model.config().contextLength() - 1) / 2;
    int length = repeats.getLength();
    if (length < 2 || length > longest) {
      throw LoupeException.invalidValue("random_repeats.length", length, "2 to " + longest);
    }
    int sequences = repeats.getSequences();
    if (sequences < 1 || sequences > MAX_SEQUENCES) {
      throw LoupeException.invalidValue(
          "random_repeats.sequences", sequences, "1 to " + MAX_SEQUENCES);
    }
    RepeatedRandomTokens source = new RepeatedRandomTokens(length, sequences, repeats.getSeed());
    return mean(model, source.rows(model.config()), source.inductionScorer(), call);
  }

  private ScoreHeadsResponse mean(
      ServedModel model, List<int[]> rows, HeadScorer scorer, Call call) {
    List<Head> heads = Head.all(model.config());
    double[] mean = new double[heads.size()];
    for (int[] row : rows) {
      double[] scores = onDevice(model, row, scorer, heads, call);
      for (int i = 0; i < mean.length; i++) {
        mean[i] += scores[i] / rows.size();
      }
    }
    ScoreHeadsResponse.Builder response = ScoreHeadsResponse.newBuilder();
    for (int i = 0; i < mean.length; i++) {
      response.addScores(
          HeadScore.newBuilder()
              .setLayer(heads.get(i).layer())
              .setHead(heads.get(i).index())
              .setScore((float) mean[i]));
    }
    return response.build();
  }

  private double[] onDevice(
      ServedModel model, int[] row, HeadScorer scorer, List<Head> heads, Call call) {
    List<HookPoint> patterns =
        heads.stream().map(Head::layer).distinct().map(HeadDetector::pattern).toList();
    PassCost cost = PassCost.of(model.config(), 1, row.length, LogitsMode.NONE, patterns);
    return DomainErrors.translated(
        () ->
            device.run(
                call,
                cost,
                new Work(model.id(), 1, row.length),
                turn -> {
                  try (NDManager scope = model.newScope()) {
                    return new HeadDetector(model.transformer())
                        .score(scope, row, scorer, heads, turn.control());
                  }
                }));
  }
}
