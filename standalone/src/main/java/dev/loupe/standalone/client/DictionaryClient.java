package dev.loupe.standalone.client;

import com.google.common.collect.Lists;
import com.google.common.primitives.Floats;
import com.google.common.primitives.Ints;
import com.google.longrunning.Operation;
import dev.loupe.proto.sae.v1.Corpus;
import dev.loupe.proto.sae.v1.CorpusHeader;
import dev.loupe.proto.sae.v1.CorpusRow;
import dev.loupe.proto.sae.v1.CorpusRows;
import dev.loupe.proto.sae.v1.CreateCorpusRequest;
import dev.loupe.proto.sae.v1.Dictionary;
import dev.loupe.proto.sae.v1.EvaluateDictionaryRequest;
import dev.loupe.proto.sae.v1.Evaluation;
import dev.loupe.proto.sae.v1.FeatureVectors;
import dev.loupe.proto.sae.v1.GetCorpusRequest;
import dev.loupe.proto.sae.v1.GetDictionaryRequest;
import dev.loupe.proto.sae.v1.GetFeatureVectorsRequest;
import dev.loupe.proto.sae.v1.GetFeatureVectorsResponse;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesResult;
import dev.loupe.proto.sae.v1.SaeServiceGrpc;
import dev.loupe.proto.sae.v1.TopKArchitecture;
import dev.loupe.proto.sae.v1.TrainDictionaryRequest;
import dev.loupe.proto.sae.v1.TrainingProgress;
import dev.loupe.proto.sae.v1.TrainingSchedule;
import dev.loupe.proto.sae.v1.WatchTrainingRequest;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Asks the sae-service for corpora and dictionaries. */
public final class DictionaryClient {
  private static final long DEADLINE_SECONDS = 60;
  private static final int ROWS_A_MESSAGE = 512;

  private final Channel channel;
  private final Operations operations;

  DictionaryClient(Channel channel) {
    this.channel = channel;
    this.operations = new Operations(channel);
  }

  /** Whether a corpus of this name, {@code corpora/{corpus}}, is stored. */
  public boolean hasCorpus(String name) {
    return found(() -> call().getCorpus(GetCorpusRequest.newBuilder().setName(name).build()))
        .isPresent();
  }

  /**
   * Stores rows of token ids.
   *
   * @return the corpus's name
   */
  public String createCorpus(String id, String model, List<int[]> rows) {
    CompletableFuture<Corpus> created = new CompletableFuture<>();
    StreamObserver<CreateCorpusRequest> requests =
        SaeServiceGrpc.newStub(channel).createCorpus(new OneAnswer<>(created));
    requests.onNext(
        CreateCorpusRequest.newBuilder()
            .setHeader(CorpusHeader.newBuilder().setCorpusId(id).setModel(model))
            .build());
    for (List<int[]> part : Lists.partition(rows, ROWS_A_MESSAGE)) {
      CorpusRows.Builder message = CorpusRows.newBuilder();
      part.forEach(row -> message.addRows(CorpusRow.newBuilder().addAllIds(Ints.asList(row))));
      requests.onNext(CreateCorpusRequest.newBuilder().setRows(message).build());
    }
    requests.onCompleted();
    return Waiting.await(created).getName();
  }

  /** A dictionary, {@code dictionaries/{dictionary}}, if it is there. */
  public Optional<DictionaryInfo> find(String name) {
    return found(
            () -> call().getDictionary(GetDictionaryRequest.newBuilder().setName(name).build()))
        .map(
            d ->
                new DictionaryInfo(
                    d.getName(),
                    d.getModel(),
                    d.getHookPoint(),
                    d.getDIn(),
                    d.getDSae(),
                    d.getWeightsSha256()));
  }

  /**
   * Trains a dictionary and waits for it.
   *
   * @param watcher is told every progress
   * @return the dictionary's name
   */
  public String train(
      String id, String model, String corpus, TrainingSpec spec, Consumer<TrainingReport> watcher) {
    Operation operation = call().trainDictionary(trainRequest(id, model, corpus, spec));
    Iterator<TrainingProgress> progress =
        SaeServiceGrpc.newBlockingStub(channel)
            .watchTraining(
                WatchTrainingRequest.newBuilder().setOperation(operation.getName()).build());
    while (progress.hasNext()) {
      watcher.accept(report(progress.next()));
    }
    return operations.await(operation, Dictionary.class, (done, total) -> {}).getName();
  }

  /** Measures a dictionary on a corpus. */
  public Fidelity evaluate(String dictionary, String corpus, Progress progress) {
    Operation operation =
        call()
            .evaluateDictionary(
                EvaluateDictionaryRequest.newBuilder()
                    .setDictionary(dictionary)
                    .setCorpus(corpus)
                    .build());
    Evaluation e = operations.await(operation, Evaluation.class, progress);
    return new Fidelity(
        e.getActivations(),
        e.getExplainedVariance(),
        e.getL0(),
        e.getMse(),
        e.getCosineSimilarity(),
        e.getDeadFraction(),
        e.getCeClean(),
        e.getCeSpliced(),
        e.getCeZeroAblated(),
        e.getCeRecovered());
  }

  /**
   * Writes every feature's statistics and examples to the feature store.
   *
   * @return number of features
   */
  public long publish(String dictionary, String corpus, int examples, Progress progress) {
    Operation operation =
        call()
            .publishFeatures(
                PublishFeaturesRequest.newBuilder()
                    .setDictionary(dictionary)
                    .setCorpus(corpus)
                    .setExamples(examples)
                    .build());
    return operations.await(operation, PublishFeaturesResult.class, progress).getFeatures();
  }

  /** Vectors of features, at most 256. */
  public List<FeatureDirection> directions(String dictionary, List<Integer> features) {
    GetFeatureVectorsResponse response =
        call()
            .getFeatureVectors(
                GetFeatureVectorsRequest.newBuilder()
                    .setDictionary(dictionary)
                    .addAllFeatures(features)
                    .build());
    float[] bias =
        response.getSubtractsDecoderBias()
            ? Floats.toArray(response.getDecoderBiasList())
            : new float[0];
    List<FeatureDirection> directions = new ArrayList<>();
    for (FeatureVectors v : response.getFeaturesList()) {
      directions.add(
          new FeatureDirection(
              v.getFeature(),
              Floats.toArray(v.getEncoderList()),
              v.getEncoderBias(),
              Floats.toArray(v.getDecoderList()),
              bias));
    }
    return directions;
  }

  /** Opens a stream that encodes activations with a dictionary. */
  public EncodeStream encoder(String dictionary) {
    return new EncodeStream(channel, dictionary);
  }

  private SaeServiceGrpc.SaeServiceBlockingStub call() {
    return SaeServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  private static <T> Optional<T> found(Supplier<T> call) {
    try {
      return Optional.of(call.get());
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static TrainDictionaryRequest trainRequest(
      String id, String model, String corpus, TrainingSpec spec) {
    return TrainDictionaryRequest.newBuilder()
        .setDictionaryId(id)
        .setModel(model)
        .setHookPoint(spec.hookPoint())
        .setCorpus(corpus)
        .setDSae(spec.features())
        .setTopk(
            TopKArchitecture.newBuilder()
                .setK(spec.k())
                .setAuxkCoefficient((float) spec.auxkCoefficient()))
        .setSchedule(
            TrainingSchedule.newBuilder()
                .setSteps(spec.steps())
                .setBatchSize(spec.batchSize())
                .setLearningRate((float) spec.learningRate())
                .setWarmupSteps(spec.warmupSteps())
                .setDecaySteps(spec.decaySteps())
                .setDeadAfterSteps(spec.deadAfterSteps()))
        .setSeed(spec.seed())
        .build();
  }

  private static TrainingReport report(TrainingProgress p) {
    return new TrainingReport(
        p.getStep(),
        p.getTotalSteps(),
        p.getRows(),
        p.getRowsPerSecond(),
        p.getLoss(),
        p.getExplainedVariance(),
        p.getL0(),
        p.getDeadFraction());
  }
}
