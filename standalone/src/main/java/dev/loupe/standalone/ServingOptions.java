package dev.loupe.standalone;

import dev.loupe.server.LogLevel;
import dev.loupe.standalone.embedded.EmbeddedLoupe;
import dev.loupe.standalone.terminal.Terminal;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** What {@code demo} and {@code up} have in common. */
final class ServingOptions {
  @Option(
      names = "--port",
      defaultValue = "8080",
      paramLabel = "PORT",
      description = "Port of the gateway, 0 for any free one (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--log-level",
      defaultValue = "WARN",
      paramLabel = "LEVEL",
      description =
          "How much the services log: ERROR, WARN, INFO, DEBUG or TRACE (default: ${DEFAULT-VALUE}).")
  private LogLevel logLevel;

  int port() {
    return port;
  }

  LogLevel logLevel() {
    return logLevel;
  }

  /** The folder that data goes to unless another is named. */
  static Path home() {
    return Path.of(System.getProperty("user.home"), ".loupe");
  }

  /** Says where everything is. */
  static void announce(EmbeddedLoupe loupe, Terminal terminal) {
    terminal.line("Models: %s", String.join(", ", loupe.models()));
    terminal.line("Gateway: %s   (page, JSON, gRPC and gRPC-Web)", loupe.page());
    terminal.line("API documentation: %sdocs/", loupe.page());
    terminal.line(
        "gRPC alone: inference 127.0.0.1:%d, sae 127.0.0.1:%d, features 127.0.0.1:%d",
        loupe.inferencePort(), loupe.saePort(), loupe.featuresPort());
  }

  /** Serves until the process is told to end. */
  static void serve(Terminal terminal) throws InterruptedException {
    terminal.line("");
    terminal.line("Serving. Press Ctrl-C to end.");
    new java.util.concurrent.CountDownLatch(1).await();
  }
}
