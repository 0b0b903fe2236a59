package dev.loupe.gateway;

import dev.loupe.server.CommandLines;
import dev.loupe.server.GatewayKey;
import dev.loupe.server.ServerMain;
import dev.loupe.server.ServerOptions;
import dev.loupe.server.UpstreamOptions;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.metrics.MetricsEndpoint;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Runs the gateway as a program of its own. */
@Command(
    name = "loupe-gateway",
    mixinStandardHelpOptions = true,
    description = "Serves every call of Loupe, and its page, on one port.")
public final class GatewayMain implements Callable<Integer> {
  private static final Logger log = LoggerFactory.getLogger(GatewayMain.class);

  @Mixin private final ServerOptions server = new ServerOptions(8080, 9104);

  @Option(
      names = "--inference",
      paramLabel = "TARGET",
      defaultValue = "127.0.0.1:50051",
      description = "Where the inference service is (default: ${DEFAULT-VALUE}).")
  private String inference;

  @Option(
      names = "--sae",
      paramLabel = "TARGET",
      defaultValue = "127.0.0.1:50052",
      description = "Where the sae service is (default: ${DEFAULT-VALUE}).")
  private String sae;

  @Option(
      names = "--feature-store",
      paramLabel = "TARGET",
      defaultValue = "127.0.0.1:50053",
      description = "Where the feature store is (default: ${DEFAULT-VALUE}).")
  private String features;

  @Mixin private UpstreamOptions upstream = new UpstreamOptions();

  @Option(
      names = "--allow-host",
      paramLabel = "NAME",
      split = ",",
      description =
          "A name under which the gateway is called, beside localhost, this machine's name and any"
              + " address; *.NAME for all below it, * for all. Requests for other names are"
              + " refused.")
  private List<String> allowedHosts = List.of();

  @Option(
      names = "--allow-origin",
      paramLabel = "ORIGIN",
      split = ",",
      description =
          "Web pages of this origin may call the gateway from a browser, beside those of this"
              + " machine; * for all.")
  private List<String> allowedOrigins = List.of();

  @Option(
      names = "--gateway-key-file",
      paramLabel = "FILE",
      description =
          "Tells the services whose calls are by the caller's address, with the key in this file,"
              + " which they must have too; without it what callers say in loupe-tenant is passed"
              + " on.")
  private Path gatewayKeyFile;

  /** Serves until the process is told to end. */
  public static void main(String[] args) {
    System.exit(CommandLines.ofServer(new GatewayMain()).execute(args));
  }

  @Override
  public Integer call() {
    server.logLevel().apply();
    try (MetricsEndpoint metrics = new MetricsEndpoint()) {
      if (server.metricsPort() >= 0) {
        metrics.start(server.host(), server.metricsPort());
      }
      GatewayServer gateway = start(metrics);
      ServerMain.closeOnShutdown("gateway", gateway);
      log.info(
          "gateway listens on {}:{}, metrics on {}",
          gateway.host(),
          gateway.port(),
          server.metricsPort() < 0 ? "no port" : metrics.port());
      gateway.awaitClosed();
      return 0;
    } catch (LoupeException e) {
      log.error("gateway cannot start: {} ({})", e.getMessage(), e.reason());
      return 1;
    }
  }

  private GatewayServer start(MetricsEndpoint metrics) {
    return GatewayServer.builder()
        .host(server.host())
        .port(server.port())
        .tls(server.tls())
        .maxMessageBytes(server.maxMessageBytes())
        .maxCalls(server.maxCalls())
        .grace(server.grace())
        .allowedHosts(allowedHosts)
        .allowedOrigins(allowedOrigins)
        .inference(inference)
        .sae(sae)
        .featureStore(features)
        .gatewayKey(GatewayKey.read(gatewayKeyFile))
        .registry(metrics.registry())
        .channels(upstream.upstream()::open)
        .start();
  }
}
