package dev.loupe.inference;

import dev.loupe.inference.captures.CacheSpace;
import dev.loupe.inference.gradients.TorchBackwardOps;
import dev.loupe.inference.grpc.InferenceGrpcService;
import dev.loupe.inference.grpc.attribution.AttributionGrpcService;
import dev.loupe.inference.grpc.heads.HeadGrpcService;
import dev.loupe.inference.grpc.neurons.NeuronGrpcService;
import dev.loupe.inference.grpc.patching.PatchingGrpcService;
import dev.loupe.inference.grpc.requests.ExpectedPasses;
import dev.loupe.inference.grpc.requests.ModelLeases;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.hub.ModelHub;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.DeviceScheduler;
import dev.loupe.inference.serving.LoadableRepositories;
import dev.loupe.inference.serving.LoadableSources;
import dev.loupe.inference.serving.ModelLoads;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.inference.weights.Spectra;
import dev.loupe.server.LoupeService;
import dev.loupe.server.ServiceHealth;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.WatchingCalls;
import dev.loupe.tensor.TensorEngine;
import io.grpc.BindableService;
import io.grpc.ServerStreamTracer;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The inference service with its models, ready to be put into a server. */
public final class InferenceService implements LoupeService {
  private static final Logger log = LoggerFactory.getLogger(InferenceService.class);
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(30);

  /** Kept activations may take this part of the requests' memory, beside it. */
  private static final int CACHE_SHARE = 4;

  private final CacheSpace cacheSpace;
  private final ModelRegistry models;
  private final ModelLoads loads;
  private final BlockingCalls calls;
  private final WatchingCalls watches;
  private final TorchBackwardOps backward;
  private final Spectra spectra;
  private final List<BindableService> services;
  private final List<ServerStreamTracer.Factory> tracers;

  private InferenceService(
      CacheSpace cacheSpace,
      ModelRegistry models,
      ModelLoads loads,
      BlockingCalls calls,
      WatchingCalls watches,
      TorchBackwardOps backward,
      Spectra spectra,
      List<BindableService> services,
      List<ServerStreamTracer.Factory> tracers) {
    this.cacheSpace = cacheSpace;
    this.models = models;
    this.loads = loads;
    this.calls = calls;
    this.watches = watches;
    this.backward = backward;
    this.spectra = spectra;
    this.services = services;
    this.tracers = tracers;
  }

  /**
   * Starts the engine and loads the models.
   *
   * @param registry for the service's meters
   * @throws LoupeException UNREADABLE_MODEL, SERVICE_UNAVAILABLE, STORAGE_FULL or INVALID_VALUE;
   *     nothing stays loaded then
   */
  public static InferenceService open(InferenceConfig config, MeterRegistry registry) {
    if (config.models().isEmpty()) {
      throw LoupeException.invalidValue("models", "nothing", "at least one folder or hub id");
    }
    LoadableRepositories repositories =
        LoadableRepositories.of(
            config.repositories(),
            config.hub().token().isPresent(),
            config.models().stream().map(ModelSpec::source).toList());
    TensorEngine.start(config.threads());
    InferenceMetrics metrics = new InferenceMetrics(registry);
    DeviceScheduler scheduler = new DeviceScheduler(config.maxWaiting());
    MemoryBudget budget =
        new MemoryBudget(
            config.memoryBytes(), config.mostMemoryOfOneTenant(), config.memoryPatience());
    metrics.watch(scheduler, budget);
    CacheSpace cacheSpace = new CacheSpace(config.memoryBytes() / CACHE_SHARE);
    ModelRegistry models = new ModelRegistry(metrics::serves);
    metrics.watchModels(models::size);
    ModelHub hub = new ModelHub(config.hub(), config.progress());
    ModelLoads loads = new ModelLoads(hub, cacheSpace, models, config.weightBytes());
    loads.loadAll(config.models());
    BlockingCalls calls = new BlockingCalls("inference", config.maxCalls(), ModelLeases::around);
    WatchingCalls watches = new WatchingCalls("inference-watches");
    LoadableSources sources = new LoadableSources(config.modelFolders(), repositories);
    // Once for all calls: the engine does not give all memory of a closed module back.
    TorchBackwardOps backward = new TorchBackwardOps();
    Spectra spectra = new Spectra();
    DeviceRunner device = new DeviceRunner(scheduler, budget, metrics);
    return new InferenceService(
        cacheSpace,
        models,
        loads,
        calls,
        watches,
        backward,
        spectra,
        Tenants.known(
            config.mostCallsOfOneTenant(),
            config.gatewayKey(),
            new InferenceGrpcService(models, loads, sources, device, metrics, calls, watches),
            new AttributionGrpcService(models, device, backward, calls),
            new HeadGrpcService(models, device, spectra, calls),
            new NeuronGrpcService(models, device, calls),
            new PatchingGrpcService(models, device, calls)),
        List.of(new ExpectedPasses(device)));
  }

  /** The ids of the loaded models, sorted. */
  public List<String> modelIds() {
    return models.all().stream().map(ServedModel::id).toList();
  }

  @Override
  public List<BindableService> services() {
    return services;
  }

  @Override
  public List<ServerStreamTracer.Factory> tracers() {
    return tracers;
  }

  /** The engine works and a model is loaded. */
  @Override
  public ServiceHealth check() {
    TensorEngine.check();
    // Not a problem: another can be loaded.
    return models.size() > 0 ? ServiceHealth.GOOD : ServiceHealth.warning("no model is loaded");
  }

  @Override
  public void close() {
    calls.close();
    watches.close();
    loads.close();
    cacheSpace.close();
    if (!models.close(CLOSE_PATIENCE)) {
      // Freeing weights under a running pass would end the process.
      log.warn("{} calls still run; their models stay in memory", calls.active());
    } else {
      backward.close();
      spectra.close();
    }
  }
}
