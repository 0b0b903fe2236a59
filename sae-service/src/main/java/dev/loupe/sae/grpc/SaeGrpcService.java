package dev.loupe.sae.grpc;

import com.google.longrunning.Operation;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.loupe.proto.sae.v1.Corpus;
import dev.loupe.proto.sae.v1.CreateCorpusRequest;
import dev.loupe.proto.sae.v1.DecodeFeaturesRequest;
import dev.loupe.proto.sae.v1.DecodeFeaturesResponse;
import dev.loupe.proto.sae.v1.DeleteCheckpointRequest;
import dev.loupe.proto.sae.v1.DeleteCheckpointResponse;
import dev.loupe.proto.sae.v1.DeleteCorpusRequest;
import dev.loupe.proto.sae.v1.DeleteCorpusResponse;
import dev.loupe.proto.sae.v1.DeleteDictionaryRequest;
import dev.loupe.proto.sae.v1.DeleteDictionaryResponse;
import dev.loupe.proto.sae.v1.Dictionary;
import dev.loupe.proto.sae.v1.EncodeActivationsRequest;
import dev.loupe.proto.sae.v1.EncodeActivationsResponse;
import dev.loupe.proto.sae.v1.EvaluateDictionaryRequest;
import dev.loupe.proto.sae.v1.GetCorpusRequest;
import dev.loupe.proto.sae.v1.GetDictionaryRequest;
import dev.loupe.proto.sae.v1.GetFeatureVectorsRequest;
import dev.loupe.proto.sae.v1.GetFeatureVectorsResponse;
import dev.loupe.proto.sae.v1.ListCheckpointsRequest;
import dev.loupe.proto.sae.v1.ListCheckpointsResponse;
import dev.loupe.proto.sae.v1.ListCorporaRequest;
import dev.loupe.proto.sae.v1.ListCorporaResponse;
import dev.loupe.proto.sae.v1.ListDictionariesRequest;
import dev.loupe.proto.sae.v1.ListDictionariesResponse;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.proto.sae.v1.SaeServiceGrpc;
import dev.loupe.proto.sae.v1.SetDictionaryModelRequest;
import dev.loupe.proto.sae.v1.SetDictionaryModelResponse;
import dev.loupe.proto.sae.v1.TrainDictionaryRequest;
import dev.loupe.proto.sae.v1.TrainingProgress;
import dev.loupe.proto.sae.v1.WatchTrainingRequest;
import dev.loupe.sae.SaeMetrics;
import dev.loupe.sae.client.InferenceClient;
import dev.loupe.sae.client.Patience;
import dev.loupe.sae.corpus.CorpusStore;
import dev.loupe.sae.format.DictionaryStore;
import dev.loupe.sae.training.CheckpointStore;
import dev.loupe.server.operations.OperationRecord;
import dev.loupe.server.operations.OperationRunner;
import dev.loupe.server.operations.OperationWork;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.StreamLimits;
import dev.loupe.server.streams.WatchingCalls;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.util.Optional;

/** Every call of loupe.sae.v1.SaeService, handed to the class that does it. */
public final class SaeGrpcService extends SaeServiceGrpc.SaeServiceImplBase {
  private final OperationRunner operations;
  private final BlockingCalls calls;
  private final WatchingCalls watches;
  private final CorpusCalls corpora;
  private final DictionaryCalls dictionaries;
  private final CheckpointCalls checkpoints;
  private final CodingStreams coding;
  private final TrainingCalls training;
  private final CorpusJobs jobs;

  /**
   * The service over its stores.
   *
   * @param checkpoints of training
   * @param inference with patience, for operations
   * @param features channel to the feature store
   */
  public SaeGrpcService(
      DictionaryStore dictionaries,
      CorpusStore corpora,
      CheckpointStore checkpoints,
      OperationRunner operations,
      BlockingCalls calls,
      WatchingCalls watches,
      MemoryBudget budget,
      InferenceClient inference,
      ManagedChannel features,
      Patience patience,
      SaeMetrics metrics) {
    Usage usage = new Usage(operations);
    SharedDictionaries shared = new SharedDictionaries(dictionaries, budget);
    OperationMemory memory = new OperationMemory(budget);
    this.operations = operations;
    this.calls = calls;
    this.watches = watches;
    this.corpora = new CorpusCalls(corpora, inference, usage);
    this.dictionaries = new DictionaryCalls(dictionaries, shared, usage, inference);
    this.checkpoints = new CheckpointCalls(checkpoints, usage);
    this.coding = new CodingStreams(shared, budget, metrics);
    this.training =
        new TrainingCalls(
            dictionaries, corpora, checkpoints, operations, inference, usage, memory, metrics);
    this.jobs =
        new CorpusJobs(
            dictionaries,
            corpora,
            operations,
            usage,
            memory,
            inference,
            features,
            patience,
            metrics);
  }

  /** Goes on with the operations that the process before left unfinished. */
  public void recover() {
    operations.recover(this::work);
  }

  /** Whether what an operation was asked for with is a request to train. */
  public static boolean isTraining(Any request) {
    return request.is(TrainDictionaryRequest.class);
  }

  private Optional<OperationWork> work(OperationRecord record) {
    Any request = record.request();
    try {
      if (request.is(TrainDictionaryRequest.class)) {
        return Optional.of(training.resume(request.unpack(TrainDictionaryRequest.class)));
      }
      if (request.is(EvaluateDictionaryRequest.class)) {
        return Optional.of(jobs.evaluation(request.unpack(EvaluateDictionaryRequest.class)));
      }
      if (request.is(PublishFeaturesRequest.class)) {
        return Optional.of(jobs.publication(request.unpack(PublishFeaturesRequest.class)));
      }
      return Optional.empty();
    } catch (InvalidProtocolBufferException e) {
      return Optional.empty();
    }
  }

  @Override
  public StreamObserver<CreateCorpusRequest> createCorpus(StreamObserver<Corpus> responses) {
    return calls.clientStream(responses, StreamLimits.DEFAULT, corpora::create);
  }

  @Override
  public void getCorpus(GetCorpusRequest request, StreamObserver<Corpus> responses) {
    calls.unary(responses, () -> corpora.get(request));
  }

  @Override
  public void listCorpora(
      ListCorporaRequest request, StreamObserver<ListCorporaResponse> responses) {
    calls.unary(responses, () -> corpora.list(request));
  }

  @Override
  public void deleteCorpus(
      DeleteCorpusRequest request, StreamObserver<DeleteCorpusResponse> responses) {
    calls.unary(responses, () -> corpora.delete(request));
  }

  @Override
  public void trainDictionary(TrainDictionaryRequest request, StreamObserver<Operation> responses) {
    calls.unary(responses, () -> training.train(request));
  }

  @Override
  public void watchTraining(
      WatchTrainingRequest request, StreamObserver<TrainingProgress> responses) {
    watches.follow(responses, changed -> training.watch(request, changed));
  }

  @Override
  public void listCheckpoints(
      ListCheckpointsRequest request, StreamObserver<ListCheckpointsResponse> responses) {
    calls.unary(responses, () -> checkpoints.list(request));
  }

  @Override
  public void deleteCheckpoint(
      DeleteCheckpointRequest request, StreamObserver<DeleteCheckpointResponse> responses) {
    calls.unary(responses, () -> checkpoints.delete(request));
  }

  @Override
  public void evaluateDictionary(
      EvaluateDictionaryRequest request, StreamObserver<Operation> responses) {
    calls.unary(responses, () -> jobs.evaluate(request));
  }

  @Override
  public void publishFeatures(PublishFeaturesRequest request, StreamObserver<Operation> responses) {
    calls.unary(responses, () -> jobs.publish(request));
  }

  @Override
  public void listDictionaries(
      ListDictionariesRequest request, StreamObserver<ListDictionariesResponse> responses) {
    calls.unary(responses, () -> dictionaries.list(request));
  }

  @Override
  public void getDictionary(GetDictionaryRequest request, StreamObserver<Dictionary> responses) {
    calls.unary(responses, () -> dictionaries.get(request));
  }

  @Override
  public void setDictionaryModel(
      SetDictionaryModelRequest request, StreamObserver<SetDictionaryModelResponse> responses) {
    calls.unary(responses, () -> dictionaries.setModel(request));
  }

  @Override
  public void deleteDictionary(
      DeleteDictionaryRequest request, StreamObserver<DeleteDictionaryResponse> responses) {
    calls.unary(responses, () -> dictionaries.delete(request));
  }

  @Override
  public void getFeatureVectors(
      GetFeatureVectorsRequest request, StreamObserver<GetFeatureVectorsResponse> responses) {
    calls.unary(responses, () -> dictionaries.vectors(request));
  }

  @Override
  public StreamObserver<EncodeActivationsRequest> encodeActivations(
      StreamObserver<EncodeActivationsResponse> responses) {
    return calls.bidi(responses, StreamLimits.DEFAULT, coding::encode);
  }

  @Override
  public StreamObserver<DecodeFeaturesRequest> decodeFeatures(
      StreamObserver<DecodeFeaturesResponse> responses) {
    return calls.bidi(responses, StreamLimits.DEFAULT, coding::decode);
  }
}
