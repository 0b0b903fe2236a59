package dev.loupe.server;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.Option;

/**
 * The options that every server's command line has, as a picocli mixin: {@code @Mixin ServerOptions
 * server = new ServerOptions(50051, 9101);}. With {@link EnvironmentDefaults} each can be given as
 * an environment variable too.
 */
public final class ServerOptions {
  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "Address to listen on, 0.0.0.0 for all (default: ${DEFAULT-VALUE}).")
  private String host = "127.0.0.1";

  @Option(
      names = "--port",
      paramLabel = "PORT",
      converter = PortNumber.class,
      description = "gRPC port, 0 for any free one (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--metrics-port",
      paramLabel = "PORT",
      converter = PortNumber.OrNone.class,
      description =
          "HTTP port of /metrics and /healthz, 0 for any free one, -1 for none (default:"
              + " ${DEFAULT-VALUE}).")
  private int metricsPort;

  @Option(
      names = "--tls-cert",
      paramLabel = "FILE",
      description = "PEM certificate chain; plain text without it.")
  private Path tlsCert;

  @Option(
      names = "--tls-key",
      paramLabel = "FILE",
      description = "PEM private key of --tls-cert, PKCS #8.")
  private Path tlsKey;

  @Option(
      names = "--max-message-bytes",
      paramLabel = "BYTES",
      description = "Largest request accepted (default: ${DEFAULT-VALUE}).")
  private int maxMessageBytes = 8 << 20;

  @Option(
      names = "--max-calls",
      paramLabel = "CALLS",
      description = "Calls that may be open at once (default: ${DEFAULT-VALUE}).")
  private int maxCalls = 1024;

  @Option(
      names = "--drain-seconds",
      paramLabel = "SECONDS",
      description =
          "How long open calls may take to finish at the end (default: ${DEFAULT-VALUE}).")
  private int drainSeconds = 10;

  @Option(
      names = "--log-level",
      paramLabel = "LEVEL",
      description = "ERROR, WARN, INFO, DEBUG or TRACE (default: ${DEFAULT-VALUE}).")
  private LogLevel logLevel = LogLevel.INFO;

  /** Any free port for gRPC, no metrics port, a short drain: for servers inside another program. */
  public ServerOptions() {
    this(0, -1);
    this.drainSeconds = 2;
  }

  /** Options with a service's own default ports. */
  public ServerOptions(int port, int metricsPort) {
    this.port = port;
    this.metricsPort = metricsPort;
  }

  /** Address to listen on. */
  public String host() {
    return host;
  }

  /** gRPC port, 0 for any. */
  public int port() {
    return port;
  }

  /** Metrics port, 0 for any, -1 for none. */
  public int metricsPort() {
    return metricsPort;
  }

  /** Largest request, in bytes. */
  public int maxMessageBytes() {
    return maxMessageBytes;
  }

  /** Calls that may be open at once. */
  public int maxCalls() {
    return maxCalls;
  }

  /** How long open calls may take to finish at the end. */
  public Duration grace() {
    return Duration.ofSeconds(drainSeconds);
  }

  /** How much is logged. */
  public LogLevel logLevel() {
    return logLevel;
  }

  /** The certificate, or null for plain text. */
  public Tls tls() {
    if (tlsCert == null && tlsKey == null) {
      return null;
    }
    if (tlsCert == null || tlsKey == null) {
      throw LoupeException.of(
          ErrorReason.INVALID_VALUE,
          "--tls-cert and --tls-key go together; give both, or neither for plain text");
    }
    return new Tls(tlsCert, tlsKey);
  }

  /** A server with these options, to which services are still to be added. */
  public GrpcServer.Builder toServer() {
    GrpcServer.Builder builder =
        GrpcServer.builder()
            .host(host)
            .port(port)
            .maxMessageBytes(maxMessageBytes)
            .maxCalls(maxCalls)
            .grace(grace());
    Tls tls = tls();
    return tls == null ? builder : builder.tls(tls);
  }
}
