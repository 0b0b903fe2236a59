package dev.loupe.standalone.embedded;

import dev.loupe.features.FeatureStore;
import dev.loupe.gateway.GatewayServer;
import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceService;
import dev.loupe.inference.hub.DownloadProgress;
import dev.loupe.inference.hub.HubException;
import dev.loupe.inference.hub.HubSettings;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.sae.SaeConfig;
import dev.loupe.sae.SaeService;
import dev.loupe.server.LoupeService;
import dev.loupe.server.RunningServer;
import dev.loupe.server.ServerOptions;
import dev.loupe.server.metrics.MetricsEndpoint;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * All of Loupe in this process: the inference service, the sae-service, the feature store and the
 * gateway, each a server of its own on loopback, calling each other over gRPC as they would in a
 * cluster. Close it to end all of them, in the opposite order.
 */
public final class EmbeddedLoupe implements AutoCloseable {
  /** The name of the model that ships with Loupe. */
  public static final String SHIPPED_MODEL = "models/" + DemoModel.NAME;

  private static final String HOST = "127.0.0.1";
  private static final int DATABASE_CONNECTIONS = 8;

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private List<String> models = List.of();
  private RunningServer inference;
  private RunningServer features;
  private RunningServer sae;
  private GatewayServer gateway;
  private MetricsEndpoint gatewayMetrics;

  private EmbeddedLoupe() {}

  /**
   * Starts everything.
   *
   * @param data folder for corpora, dictionaries, features and unpacked models; made if it is
   *     missing
   * @param port of the gateway, 0 for any free one
   * @param models folders or hub ids, each with {@code id=} before it if it is to be called
   *     otherwise; none means the model that ships with Loupe
   * @throws StartException if the folder cannot be used or a model is neither folder nor hub id
   * @throws dev.loupe.server.errors.LoupeException PORT_IN_USE, UNREADABLE_MODEL and what else a
   *     service says when it cannot start; nothing stays open then
   */
  public static EmbeddedLoupe start(Path data, int port, List<String> models) {
    return start(data, port, models, Loadable.NOT_SAID, List.of(), DownloadProgress.NONE);
  }

  /**
   * Starts everything, as {@link #start(Path, int, List)} does.
   *
   * @param loadable what clients may have loaded beside these models
   * @param allowedHosts names that the gateway answers to, beside localhost and addresses
   * @param downloads told while a model comes from a hub
   */
  public static EmbeddedLoupe start(
      Path data,
      int port,
      List<String> models,
      Loadable loadable,
      List<String> allowedHosts,
      DownloadProgress downloads) {
    DataFolder folder = DataFolder.open(data.toAbsolutePath());
    EmbeddedLoupe loupe = new EmbeddedLoupe();
    loupe.open.push(folder);
    try {
      InferenceConfig config =
          InferenceConfig.of(specs(folder, models))
              .withLoading(InferenceConfig.defaultWeightBytes(), loadable.folders())
              .withLoadableRepositories(loadable.repositories())
              .withHub(hub(), downloads);
      loupe.startServices(folder, port, allowedHosts, config);
      folder.serve(HOST, loupe.gateway.port());
      return loupe;
    } catch (RuntimeException | Error e) {
      loupe.closeAfter(e);
      throw e;
    }
  }

  /** The gateway of the Loupe that serves a data folder now; empty when none does. */
  public static Optional<InetSocketAddress> serving(Path data) {
    return DataFolder.serving(data.toAbsolutePath());
  }

  /**
   * Names of the models that are served, {@code models/{model}}, in the order in which they were
   * given.
   */
  public List<String> models() {
    return models;
  }

  /** The gateway's address. */
  public InetSocketAddress gateway() {
    return new InetSocketAddress(HOST, gateway.port());
  }

  /** The gateway's address for a browser, with a slash at its end. */
  public String page() {
    return "http://" + HOST + ":" + gateway.port() + "/";
  }

  /** Port of the inference service. */
  public int inferencePort() {
    return inference.port();
  }

  /** Port of the sae-service. */
  public int saePort() {
    return sae.port();
  }

  /** Port of the feature store. */
  public int featuresPort() {
    return features.port();
  }

  /** Ports with {@code /metrics}: inference, sae, features, gateway. */
  public List<Integer> metricsPorts() {
    return List.of(
        inference.metricsPort(), sae.metricsPort(), features.metricsPort(), gatewayMetrics.port());
  }

  @Override
  public void close() {
    RuntimeException failure = null;
    while (!open.isEmpty()) {
      try {
        open.pop().close();
      } catch (Exception e) {
        failure = failure == null ? new IllegalStateException("did not end well", e) : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void closeAfter(Throwable cause) {
    try {
      close();
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  private void startServices(
      DataFolder folder, int port, List<String> allowedHosts, InferenceConfig config) {
    models = config.models().stream().map(spec -> "models/" + spec.id()).toList();
    gatewayMetrics = new MetricsEndpoint();
    open.push(gatewayMetrics);
    inference = serve(registry -> InferenceService.open(config, registry));
    features =
        serve(
            registry ->
                FeatureStore.open(
                    "jdbc:sqlite:" + folder.database(), DATABASE_CONNECTIONS, registry));
    sae =
        serve(
            registry ->
                SaeService.open(
                    SaeConfig.of(folder.artifacts(), target(inference), target(features)),
                    registry));
    gateway =
        GatewayServer.builder()
            .host(HOST)
            .port(port)
            .allowedHosts(allowedHosts)
            .inference(target(inference))
            .sae(target(sae))
            .featureStore(target(features))
            .registry(gatewayMetrics.registry())
            .start();
    open.push(gateway);
    gatewayMetrics.start(HOST, 0);
  }

  private RunningServer serve(Function<MeterRegistry, LoupeService> make) {
    RunningServer server = RunningServer.start(new ServerOptions(0, 0), make);
    open.push(server);
    return server;
  }

  private static String target(RunningServer server) {
    return HOST + ":" + server.port();
  }

  private static HubSettings hub() {
    try {
      return HubSettings.of(System.getenv());
    } catch (HubException e) {
      throw new StartException(e.getMessage(), e);
    }
  }

  private static List<ModelSpec> specs(DataFolder folder, List<String> models) {
    List<ModelSpec> specs = new ArrayList<>();
    try {
      if (models.isEmpty()) {
        specs.add(ModelSpec.parse(DemoModel.NAME + "=" + DemoModel.unpack(folder.models())));
      }
      models.forEach(model -> specs.add(ModelSpec.parse(model)));
    } catch (HubException e) {
      throw new StartException("--model: " + e.getMessage(), e);
    }
    return specs;
  }
}
