package dev.loupe.inference.grpc;

import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.captures.CacheSpace;
import dev.loupe.inference.gradients.TorchBackwardOps;
import dev.loupe.inference.grpc.attribution.AttributionGrpcService;
import dev.loupe.inference.grpc.heads.HeadGrpcService;
import dev.loupe.inference.grpc.neurons.NeuronGrpcService;
import dev.loupe.inference.grpc.patching.PatchingGrpcService;
import dev.loupe.inference.grpc.requests.ModelLeases;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.hub.DownloadProgress;
import dev.loupe.inference.hub.HubSettings;
import dev.loupe.inference.hub.ModelHub;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.DeviceScheduler;
import dev.loupe.inference.scheduling.DeviceTurn;
import dev.loupe.inference.serving.LoadableRepositories;
import dev.loupe.inference.serving.LoadableSources;
import dev.loupe.inference.serving.ModelLoads;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.inference.weights.Spectra;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.server.Channels;
import dev.loupe.server.GatewayKey;
import dev.loupe.server.LoupeService;
import dev.loupe.server.RunningServer;
import dev.loupe.server.ServerOptions;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.WatchingCalls;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** A real server whose device a test can hold. */
final class ControlledServer implements AutoCloseable {
  /** Calls that one tenant may have open. */
  static final int MOST_OF_ONE = 40;

  static final String MODEL = "models/m";

  private final DeviceScheduler scheduler;
  private final MemoryBudget budget;
  private final RunningServer server;
  private final ManagedChannel channel;

  ControlledServer(Path folder, int maxWaiting) {
    this(folder, maxWaiting, new MemoryBudget(1L << 30, Duration.ofSeconds(30)));
  }

  ControlledServer(Path folder, int maxWaiting, MemoryBudget budget) {
    this.budget = budget;
    scheduler = new DeviceScheduler(maxWaiting);
    server =
        RunningServer.start(
            new ServerOptions(0, 0),
            registry -> {
              InferenceMetrics metrics = new InferenceMetrics(registry);
              metrics.watch(scheduler, budget);
              ModelHub hub = new ModelHub(HubSettings.of(Map.of()), DownloadProgress.NONE);
              ModelRegistry models = new ModelRegistry(metrics::serves);
              ModelLoads loads =
                  new ModelLoads(hub, new CacheSpace(1 << 24), models, Long.MAX_VALUE);
              loads.loadAll(List.of(new ModelSpec("m", new ModelSource.Folder(folder))));
              return new Service(
                  models,
                  loads,
                  new BlockingCalls("test", 64, ModelLeases::around),
                  new DeviceRunner(scheduler, budget, metrics),
                  new TorchBackwardOps(),
                  new Spectra(),
                  metrics);
            });
    channel = Channels.plaintext("127.0.0.1:" + server.port());
  }

  private record Service(
      ModelRegistry models,
      ModelLoads loads,
      BlockingCalls calls,
      DeviceRunner device,
      TorchBackwardOps backward,
      Spectra spectra,
      InferenceMetrics metrics)
      implements LoupeService {
    @Override
    public List<BindableService> services() {
      return Tenants.known(
          MOST_OF_ONE,
          null,
          new InferenceGrpcService(
              models,
              loads,
              new LoadableSources(List.of(), LoadableRepositories.of(List.of(), false, List.of())),
              device,
              metrics,
              calls,
              new WatchingCalls("test-watches")),
          new AttributionGrpcService(models, device, backward, calls),
          new HeadGrpcService(models, device, spectra, calls),
          new NeuronGrpcService(models, device, calls),
          new PatchingGrpcService(models, device, calls));
    }

    @Override
    public void close() {
      calls.close();
      loads.close();
      models.close(Duration.ofSeconds(30));
      backward.close();
      spectra.close();
    }
  }

  /** Keeps the device from everybody until it is closed. */
  DeviceTurn hold() {
    return scheduler.take(Call.of("the test"));
  }

  /** Requests that wait for the device. */
  int waiting() {
    return scheduler.waiting();
  }

  /** Bytes reserved. */
  long reserved() {
    return budget.reserved();
  }

  /** Turns that came to their end. */
  long finishedTurns() {
    return server.registry().get("loupe.inference.forward").timer().count();
  }

  /** Passes that were begun. */
  long begunPasses() {
    return server.registry().get("loupe.inference.queue.wait").timer().count();
  }

  /** Batches that ran. */
  long batches() {
    return server.registry().get("loupe.inference.batch.size").summary().count();
  }

  /** Where all services are. */
  Channel channel() {
    return channel;
  }

  InferenceServiceGrpc.InferenceServiceBlockingStub stub() {
    return InferenceServiceGrpc.newBlockingStub(channel);
  }

  /** A stub of a tenant. */
  InferenceServiceGrpc.InferenceServiceFutureStub stub(String tenant) {
    return InferenceServiceGrpc.newFutureStub(channel(tenant));
  }

  /** Where all services are, for a tenant. */
  Channel channel(String tenant) {
    Metadata headers = new Metadata();
    headers.put(GatewayKey.TENANT, tenant);
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /** Waits, for at most a minute, until something holds. */
  static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("a minute passed, and not yet: " + what);
      }
      Thread.sleep(1);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.close();
  }
}
