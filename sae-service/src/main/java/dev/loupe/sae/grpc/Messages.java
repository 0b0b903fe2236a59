package dev.loupe.sae.grpc;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import dev.loupe.proto.sae.v1.Corpus;
import dev.loupe.proto.sae.v1.CorpusProgress;
import dev.loupe.proto.sae.v1.DensityHistogram;
import dev.loupe.proto.sae.v1.Dictionary;
import dev.loupe.proto.sae.v1.Evaluation;
import dev.loupe.proto.sae.v1.SparseRows;
import dev.loupe.proto.sae.v1.StandardArchitecture;
import dev.loupe.proto.sae.v1.TopKArchitecture;
import dev.loupe.proto.sae.v1.TrainingProgress;
import dev.loupe.proto.sae.v1.WorkState;
import dev.loupe.sae.corpus.CorpusDescription;
import dev.loupe.sae.dictionary.Architecture;
import dev.loupe.sae.dictionary.SparseFeatures;
import dev.loupe.sae.evaluation.EvaluationResult;
import dev.loupe.sae.evaluation.ReconstructionStatistics;
import dev.loupe.sae.format.DictionaryDescription;
import dev.loupe.sae.training.TrainingStatus;
import java.time.Instant;

/** Domain values as messages. */
final class Messages {
  private Messages() {}

  static Dictionary of(DictionaryDescription dictionary) {
    Dictionary.Builder message =
        Dictionary.newBuilder()
            .setName(Names.DICTIONARY.format(dictionary.id()))
            .setModel(Names.MODEL.format(dictionary.model()))
            .setModelWeightsSha256(dictionary.modelSha256())
            .setHookPoint(dictionary.hookPoint())
            .setDIn(dictionary.dIn())
            .setDSae(dictionary.dSae())
            .setWeightsSha256(dictionary.weightsSha256())
            .setCreateTime(timestamp(dictionary.created()));
    if (dictionary.architecture() instanceof Architecture.Standard standard) {
      message.setStandard(
          StandardArchitecture.newBuilder().setL1Coefficient(standard.l1Coefficient()));
    } else if (dictionary.architecture() instanceof Architecture.TopK topK) {
      message.setTopk(
          TopKArchitecture.newBuilder().setK(topK.k()).setAuxkCoefficient(topK.auxkCoefficient()));
    }
    return message.build();
  }

  static Corpus of(CorpusDescription corpus) {
    return Corpus.newBuilder()
        .setName(Names.CORPUS.format(corpus.id()))
        .setModel(Names.MODEL.format(corpus.model()))
        .setModelWeightsSha256(corpus.modelSha256())
        .setRows(corpus.rows())
        .setTokens(corpus.tokens())
        .setSha256(corpus.sha256())
        .setCreateTime(timestamp(corpus.created()))
        .build();
  }

  static TrainingProgress of(TrainingStatus status) {
    return TrainingProgress.newBuilder()
        .setState(WorkState.WORK_STATE_RUNNING)
        .setStep(status.step())
        .setTotalSteps(status.totalSteps())
        .setRows(status.rows())
        .setRowsPerSecond(status.rowsPerSecond())
        .setLoss(status.loss())
        .setMse(status.mse())
        .setExplainedVariance(status.explainedVariance())
        .setL0(status.l0())
        .setDeadFraction(status.deadFraction())
        .setLearningRate(status.learningRate())
        .setRemaining(
            Duration.newBuilder()
                .setSeconds(status.remaining().getSeconds())
                .setNanos(status.remaining().getNano()))
        .build();
  }

  static TrainingProgress training(WorkState state, long totalSteps) {
    return TrainingProgress.newBuilder().setState(state).setTotalSteps(totalSteps).build();
  }

  static CorpusProgress progress(WorkState state, long rows, long totalRows) {
    return CorpusProgress.newBuilder()
        .setState(state)
        .setRows(rows)
        .setTotalRows(totalRows)
        .build();
  }

  static Evaluation of(EvaluationResult result) {
    ReconstructionStatistics statistics = result.statistics();
    DensityHistogram.Builder density = DensityHistogram.newBuilder();
    for (double edge : result.density().edges()) {
      density.addEdges(edge);
    }
    for (long count : result.density().counts()) {
      density.addCounts(count);
    }
    return Evaluation.newBuilder()
        .setActivations(statistics.activations())
        .setL0(statistics.l0())
        .setL1(statistics.l1())
        .setMse(statistics.mse())
        .setExplainedVariance(statistics.explainedVariance())
        .setCosineSimilarity(statistics.cosineSimilarity())
        .setDeadFraction(statistics.deadFraction())
        .setDensity(density)
        .setCeClean(result.ceClean())
        .setCeSpliced(result.ceSpliced())
        .setCeZeroAblated(result.ceZeroAblated())
        .setCeRecovered(result.ceRecovered())
        .build();
  }

  static SparseRows of(SparseFeatures features) {
    SparseRows.Builder rows = SparseRows.newBuilder();
    for (int offset : features.offsets()) {
      rows.addOffsets(offset);
    }
    for (int at = 0; at < features.count(); at++) {
      rows.addIndices(features.indices()[at]);
      rows.addValues(features.values()[at]);
    }
    return rows.build();
  }

  static Timestamp timestamp(Instant instant) {
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }
}
