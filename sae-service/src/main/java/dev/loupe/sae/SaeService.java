package dev.loupe.sae;

import dev.loupe.sae.client.InferenceClient;
import dev.loupe.sae.corpus.CorpusStore;
import dev.loupe.sae.format.DictionaryStore;
import dev.loupe.sae.grpc.SaeGrpcService;
import dev.loupe.sae.training.CheckpointStore;
import dev.loupe.server.Channels;
import dev.loupe.server.LoupeService;
import dev.loupe.server.PeerHealth;
import dev.loupe.server.ServiceHealth;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.errors.StorageErrors;
import dev.loupe.server.files.DurableFiles;
import dev.loupe.server.operations.OperationLane;
import dev.loupe.server.operations.OperationRunner;
import dev.loupe.server.operations.OperationStore;
import dev.loupe.server.operations.OperationsService;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.WatchingCalls;
import dev.loupe.tensor.TensorEngine;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** The sae service's parts, put together. */
public final class SaeService implements LoupeService {
  private final DataFolder data;
  private final ManagedChannel inference;
  private final ManagedChannel features;
  private final OperationRunner operations;
  private final BlockingCalls calls;
  private final WatchingCalls watches;
  private final SaeGrpcService service;
  private boolean stopped;

  private SaeService(
      DataFolder data,
      ManagedChannel inference,
      ManagedChannel features,
      OperationRunner operations,
      BlockingCalls calls,
      WatchingCalls watches,
      SaeGrpcService service) {
    this.data = data;
    this.inference = inference;
    this.features = features;
    this.operations = operations;
    this.calls = calls;
    this.watches = watches;
    this.service = service;
  }

  /**
   * Opens the stores and goes on with operations that the process before left unfinished. Needs
   * neither of the other services to be up.
   *
   * @param registry for the service's meters
   * @throws LoupeException STORAGE_FULL, STORAGE_UNAVAILABLE
   */
  public static SaeService open(SaeConfig config, MeterRegistry registry) {
    DictionaryStore dictionaries = new DictionaryStore(config.data().resolve("dictionaries"));
    CorpusStore corpora = new CorpusStore(config.data().resolve("corpora"));
    Path checkpoints = config.data().resolve("training");
    try {
      DurableFiles.removePartial(checkpoints);
    } catch (IOException e) {
      throw StorageErrors.of("the folder of checkpoints", e);
    }
    OperationStore stored = OperationStore.inFolder(config.data().resolve("operations"));
    TensorEngine.start(config.threads());
    SaeMetrics metrics = new SaeMetrics(registry);
    ManagedChannel inference = config.upstream().open(config.inferenceTarget());
    ManagedChannel features = config.upstream().open(config.featureStoreTarget());
    OperationRunner operations = operations(stored, config.bounds());
    metrics.operations(() -> operations.unfinished().size());
    BlockingCalls calls = new BlockingCalls("sae", config.bounds().calls());
    MemoryBudget budget = new MemoryBudget(config.memoryBytes(), config.memoryPatience());
    metrics.memory(budget::reserved);
    WatchingCalls watches = new WatchingCalls("sae-watches");
    SaeGrpcService service =
        new SaeGrpcService(
            dictionaries,
            corpora,
            new CheckpointStore(checkpoints),
            operations,
            calls,
            watches,
            budget,
            new InferenceClient(inference, config.patience()),
            features,
            config.patience(),
            metrics);
    service.recover();
    return new SaeService(
        new DataFolder(config.data()), inference, features, operations, calls, watches, service);
  }

  private static OperationRunner operations(OperationStore stored, SaeConfig.Bounds bounds) {
    OperationLane trainings = new OperationLane("training", bounds.trainings(), bounds.queued());
    OperationLane measurements =
        new OperationLane("measurement", bounds.measurements(), bounds.queued());
    return new OperationRunner(
        stored,
        Set.of(trainings, measurements),
        request -> SaeGrpcService.isTraining(request) ? trainings : measurements);
  }

  @Override
  public List<BindableService> services() {
    return List.of(service, new OperationsService(operations, watches));
  }

  /**
   * The data folder can be written. That another service is away is said and no more: operations
   * wait for it, and dictionaries are served without it.
   */
  @Override
  public ServiceHealth check() {
    ServiceHealth found = data.check();
    found = found.and(peer("the inference service", inference));
    return found.and(peer("the feature store", features));
  }

  private static ServiceHealth peer(String name, ManagedChannel channel) {
    return PeerHealth.wrongWith(channel)
        .map(wrong -> ServiceHealth.warning(name + " " + wrong))
        .orElse(ServiceHealth.GOOD);
  }

  /** Operations write their checkpoints and stop, so that calls that follow them end. */
  @Override
  public synchronized void beforeDrain() {
    if (!stopped) {
      stopped = true;
      operations.close();
    }
  }

  @Override
  public void close() {
    beforeDrain();
    calls.close();
    watches.close();
    Channels.close(inference);
    Channels.close(features);
  }
}
