package dev.loupe.sae;

import dev.loupe.sae.client.InferenceClient;
import dev.loupe.sae.corpus.CorpusStore;
import dev.loupe.sae.format.DictionaryStore;
import dev.loupe.sae.grpc.SaeGrpcService;
import dev.loupe.server.Channels;
import dev.loupe.server.LoupeService;
import dev.loupe.server.PeerHealth;
import dev.loupe.server.ServiceHealth;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.errors.StorageErrors;
import dev.loupe.server.files.DurableFiles;
import dev.loupe.server.operations.OperationRunner;
import dev.loupe.server.operations.OperationStore;
import dev.loupe.server.operations.OperationsService;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.tensor.TensorEngine;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The sae service's parts, put together. */
public final class SaeService implements LoupeService {
  private final DataFolder data;
  private final ManagedChannel inference;
  private final ManagedChannel features;
  private final OperationRunner operations;
  private final BlockingCalls calls;
  private final SaeGrpcService service;
  private boolean stopped;

  private SaeService(
      DataFolder data,
      ManagedChannel inference,
      ManagedChannel features,
      OperationRunner operations,
      BlockingCalls calls,
      SaeGrpcService service) {
    this.data = data;
    this.inference = inference;
    this.features = features;
    this.operations = operations;
    this.calls = calls;
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
    ManagedChannel inference = Channels.plaintext(config.inferenceTarget());
    ManagedChannel features = Channels.plaintext(config.featureStoreTarget());
    OperationRunner operations =
        new OperationRunner(stored, config.maxRunning(), config.maxQueued());
    metrics.operations(() -> operations.unfinished().size());
    BlockingCalls calls = new BlockingCalls("sae", config.maxCalls());
    SaeGrpcService service =
        new SaeGrpcService(
            dictionaries,
            corpora,
            checkpoints,
            operations,
            calls,
            new InferenceClient(inference, config.patience()),
            features,
            config.patience(),
            metrics);
    service.recover();
    return new SaeService(
        new DataFolder(config.data()), inference, features, operations, calls, service);
  }

  @Override
  public List<BindableService> services() {
    return List.of(service, new OperationsService(operations, calls));
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
    Channels.close(inference);
    Channels.close(features);
  }
}
