package dev.loupe.sae.grpc;

import dev.loupe.proto.sae.v1.TrainDictionaryRequest;
import dev.loupe.proto.sae.v1.TrainingSchedule;
import dev.loupe.sae.client.InferenceClient;
import dev.loupe.sae.corpus.CorpusDescription;
import dev.loupe.sae.corpus.CorpusStore;
import dev.loupe.sae.corpus.HookPointInfo;
import dev.loupe.sae.corpus.ModelInfo;
import dev.loupe.sae.dictionary.Architecture;
import dev.loupe.sae.training.Schedule;
import dev.loupe.sae.training.TrainingSpec;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.ResourcePattern;
import java.util.Set;

/** Checks requests to train, and fills in what they leave out. */
final class TrainingRequests {
  private static final int MAX_D_SAE = 1 << 20;

  /** A matrix of weights must fit into one direct buffer. */
  private static final long MAX_WEIGHTS = (1L << 29) - 1_024;

  private static final int MAX_BATCH = 65_536;
  private static final long MAX_BUFFER_BYTES = 1L << 30;
  private static final float DEFAULT_LEARNING_RATE = 3e-4f;
  private static final int DEFAULT_BUFFER_BATCHES = 16;
  private static final long DEFAULT_DEAD_AFTER = 1_000;
  private static final long DEFAULT_CHECKPOINT = 1_000;
  private static final Set<String> TRAINABLE_AXES = Set.of("d_model", "d_mlp");

  private final CorpusStore corpora;

  TrainingRequests(CorpusStore corpora) {
    this.corpora = corpora;
  }

  /**
   * What a request asks for.
   *
   * @param inference asked for the hook point's width
   * @throws LoupeException INVALID_NAME, INVALID_VALUE, CORPUS_NOT_FOUND, MODEL_MISMATCH,
   *     UNKNOWN_HOOK_POINT, INFERENCE_UNAVAILABLE
   */
  TrainingSpec spec(TrainDictionaryRequest request, InferenceClient inference) {
    String dictionary = ResourcePattern.requireId("dictionary_id", request.getDictionaryId());
    String model = Names.MODEL.parseId("model", request.getModel());
    String corpusId = Names.CORPUS.parseId("corpus", request.getCorpus());
    requireRange("d_sae", request.getDSae(), 1, MAX_D_SAE);
    Architecture architecture = architecture(request);
    CorpusDescription corpus = corpora.describe(corpusId);
    if (!new ServedModels(inference).areOne(corpus.model(), corpus.modelSha256(), model, "")) {
      throw LoupeException.of(
          ErrorReason.MODEL_MISMATCH,
          "corpus %s holds tokens of models/%s; model is models/%s"
              .formatted(request.getCorpus(), corpus.model(), model));
    }
    if (corpus.tokens() == corpus.rows()) {
      throw LoupeException.invalidValue(
          "corpus", "rows of one token each", "rows of at least two tokens");
    }
    ModelInfo served = inference.model(model);
    HookPointInfo hookPoint = inference.hookPoint(served.id(), request.getHookPoint());
    if (hookPoint.width() == 0 || !TRAINABLE_AXES.contains(hookPoint.lastAxis())) {
      throw LoupeException.invalidValue(
          "hook_point", request.getHookPoint(), "one with a last axis d_model or d_mlp");
    }
    int dIn = hookPoint.width();
    if ((long) dIn * request.getDSae() > MAX_WEIGHTS) {
      throw LoupeException.invalidValue(
          "d_sae", request.getDSae(), "at most " + MAX_WEIGHTS / dIn + " for this hook point");
    }
    return new TrainingSpec(
        dictionary,
        served.id(),
        hookPoint.name(),
        corpusId,
        dIn,
        request.getDSae(),
        architecture,
        schedule(request, dIn),
        request.getSeed());
  }

  private static Architecture architecture(TrainDictionaryRequest request) {
    return switch (request.getArchitectureCase()) {
      case STANDARD -> {
        float l1 = request.getStandard().getL1Coefficient();
        requireCoefficient("standard.l1_coefficient", l1);
        yield new Architecture.Standard(l1);
      }
      case TOPK -> {
        requireRange("topk.k", request.getTopk().getK(), 1, request.getDSae());
        float auxk = request.getTopk().getAuxkCoefficient();
        requireCoefficient("topk.auxk_coefficient", auxk);
        yield new Architecture.TopK(request.getTopk().getK(), auxk);
      }
      case ARCHITECTURE_NOT_SET ->
          throw LoupeException.invalidValue("architecture", "not set", "standard or topk");
    };
  }

  private static Schedule schedule(TrainDictionaryRequest request, int dIn) {
    if (!request.hasSchedule()) {
      throw LoupeException.invalidValue("schedule", "not set", "at least steps and batch_size");
    }
    TrainingSchedule asked = request.getSchedule();
    requireRange("schedule.steps", asked.getSteps(), 1, Long.MAX_VALUE);
    requireRange("schedule.batch_size", asked.getBatchSize(), 1, MAX_BATCH);
    float rate = asked.getLearningRate();
    if (!Float.isFinite(rate) || rate < 0) {
      throw LoupeException.invalidValue(
          "schedule.learning_rate", rate, "a finite number above 0, or 0 for 3e-4");
    }
    requireRange("schedule.warmup_steps", asked.getWarmupSteps(), 0, asked.getSteps());
    requireRange("schedule.decay_steps", asked.getDecaySteps(), 0, asked.getSteps());
    requireRange("schedule.dead_after_steps", asked.getDeadAfterSteps(), 0, Long.MAX_VALUE);
    requireRange("schedule.checkpoint_steps", asked.getCheckpointSteps(), 0, Long.MAX_VALUE);
    return new Schedule(
        asked.getSteps(),
        asked.getBatchSize(),
        rate == 0 ? DEFAULT_LEARNING_RATE : rate,
        asked.getWarmupSteps(),
        asked.getDecaySteps(),
        bufferRows(asked, dIn),
        orDefault(asked.getDeadAfterSteps(), DEFAULT_DEAD_AFTER),
        orDefault(asked.getCheckpointSteps(), DEFAULT_CHECKPOINT));
  }

  private static int bufferRows(TrainingSchedule asked, int dIn) {
    long most = MAX_BUFFER_BYTES / Float.BYTES / dIn;
    int rows = asked.getShuffleBufferRows();
    if (rows != 0) {
      requireRange("schedule.shuffle_buffer_rows", rows, 2L * asked.getBatchSize(), most);
      return rows;
    }
    requireRange("schedule.batch_size", asked.getBatchSize(), 1, most / 2);
    return (int) Math.min((long) DEFAULT_BUFFER_BATCHES * asked.getBatchSize(), most);
  }

  private static long orDefault(long value, long other) {
    return value == 0 ? other : value;
  }

  private static void requireRange(String field, long value, long least, long most) {
    if (value < least || value > most) {
      throw LoupeException.invalidValue(
          field, value, most == Long.MAX_VALUE ? least + " or more" : least + " to " + most);
    }
  }

  private static void requireCoefficient(String field, float value) {
    if (!Float.isFinite(value) || value < 0) {
      throw LoupeException.invalidValue(field, value, "a finite number, 0 or more");
    }
  }
}
