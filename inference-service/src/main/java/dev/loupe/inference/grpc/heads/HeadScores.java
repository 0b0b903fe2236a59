package dev.loupe.inference.grpc.heads;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.CustomPattern;
import dev.loupe.inference.analysis.DetectionPattern;
import dev.loupe.inference.analysis.Head;
import dev.loupe.inference.analysis.HeadDetector;
import dev.loupe.inference.analysis.HeadScorer;
import dev.loupe.inference.analysis.HeadScoring;
import dev.loupe.inference.analysis.RepeatedRandomTokens;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.FloatTensors;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Prompts;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.HeadPattern;
import dev.loupe.proto.inference.v1.PromptHeadScores;
import dev.loupe.proto.inference.v1.RandomRepeats;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsResponse;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.HostTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** ScoreHeads: one turn on the device for each prompt. */
final class HeadScores {
  private static final int MAX_SEQUENCES = 64;
  private static final long MAX_MASK_BYTES = 4 << 20;

  private final ModelLookup models;
  private final DeviceRunner device;

  HeadScores(ModelLookup models, DeviceRunner device) {
    this.models = models;
    this.device = device;
  }

  ScoreHeadsResponse run(ScoreHeadsRequest request) {
    ServedModel model = models.named("model", request.getModel());
    List<Head> heads = heads(model, request.getHeadsList());
    boolean random = request.getPattern() == HeadPattern.HEAD_PATTERN_REPEATED_RANDOM;
    RepeatedRandomTokens source = random ? source(model, request.getRandomRepeats()) : null;
    List<int[]> rows =
        random
            ? source.rows(model.config(), model.bosToken(), model.specialTokens().ids())
            : new Prompts(model)
                .rows("prompts", request.getPromptsList(), request.getOmitBos(), MAX_SEQUENCES);
    HeadScorer scorer =
        random
            ? source.inductionScorer()
            : new HeadScoring(
                    measure(request), request.getExcludeBos(), request.getExcludeCurrentToken())
                .against(pattern(request, rows));
    return score(model, rows, scorer, heads, request.getPerPrompt());
  }

  private static List<Head> heads(
      ServedModel model, List<dev.loupe.proto.inference.v1.Head> asked) {
    GptConfig config = model.config();
    if (asked.isEmpty()) {
      return Head.all(config);
    }
    Checks.size("heads", asked.size(), 1, config.layers() * config.heads());
    List<Head> heads = new ArrayList<>(asked.size());
    for (int i = 0; i < asked.size(); i++) {
      HeadChecks.layer("heads[" + i + "].layer", asked.get(i).getLayer(), config);
      HeadChecks.head("heads[" + i + "].head", asked.get(i).getHead(), config);
      heads.add(new Head(asked.get(i).getLayer(), asked.get(i).getHead()));
    }
    return heads;
  }

  private static DetectionPattern pattern(ScoreHeadsRequest request, List<int[]> rows) {
    return switch (request.getPattern()) {
      case HEAD_PATTERN_PREVIOUS_TOKEN -> dev.loupe.inference.analysis.HeadPattern.PREVIOUS_TOKEN;
      case HEAD_PATTERN_DUPLICATE_TOKEN -> dev.loupe.inference.analysis.HeadPattern.DUPLICATE_TOKEN;
      case HEAD_PATTERN_INDUCTION -> dev.loupe.inference.analysis.HeadPattern.INDUCTION;
      case HEAD_PATTERN_CUSTOM -> mask(request, rows);
      case HEAD_PATTERN_REPEATED_RANDOM, HEAD_PATTERN_UNSPECIFIED, UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              "pattern",
              request.getPatternValue(),
              "one of PREVIOUS_TOKEN, DUPLICATE_TOKEN, INDUCTION, REPEATED_RANDOM and CUSTOM");
    };
  }

  private static DetectionPattern mask(ScoreHeadsRequest request, List<int[]> rows) {
    HostTensor tensor =
        FloatTensors.matrix("custom_mask", request.getCustomMask(), MAX_MASK_BYTES, "[query, key]");
    long[] shape = tensor.shape();
    for (int i = 0; i < rows.size(); i++) {
      int length = rows.get(i).length;
      if (!Arrays.equals(shape, new long[] {length, length})) {
        throw LoupeException.of(
                ErrorReason.WRONG_SHAPE,
                "custom_mask is %s %s; prompts[%d] has %d tokens, so give [%d, %d]"
                    .formatted(tensor.type(), Arrays.toString(shape), i, length, length, length))
            .with("field", "custom_mask");
      }
    }
    return DomainErrors.translated(() -> new CustomPattern((int) shape[0], tensor.toFloats()));
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

  private static RepeatedRandomTokens source(ServedModel model, RandomRepeats repeats) {
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
    return new RepeatedRandomTokens(length, sequences, repeats.getSeed());
  }

  private ScoreHeadsResponse score(
      ServedModel model, List<int[]> rows, HeadScorer scorer, List<Head> heads, boolean perPrompt) {
    Call call = Tenants.current();
    ScoreHeadsResponse.Builder response =
        ScoreHeadsResponse.newBuilder().setProvenance(Provenances.of(model));
    double[] means = new double[heads.size()];
    for (int[] row : rows) {
      double[] scores = onDevice(model, row, scorer, heads, call);
      PromptHeadScores.Builder ofPrompt = PromptHeadScores.newBuilder();
      for (int i = 0; i < means.length; i++) {
        means[i] += scores[i] / rows.size();
        ofPrompt.addScores((float) scores[i]);
      }
      if (perPrompt) {
        response.addPrompts(ofPrompt);
      }
    }
    response.addAllScores(HeadMessages.scores(heads, means));
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
