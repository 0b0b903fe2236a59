package dev.loupe.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

class ServerOptionsTest {
  @Command(name = "test")
  private static final class TestCommand {
    @Mixin ServerOptions server = new ServerOptions(50051, 9101);

    @Option(names = {"-m", "--model"})
    String model = "demo";
  }

  private static TestCommand parse(Map<String, String> environment, String... arguments) {
    TestCommand command = new TestCommand();
    new CommandLine(command)
        .setDefaultValueProvider(new EnvironmentDefaults(environment))
        .parseArgs(arguments);
    return command;
  }

  @Test
  void defaults() {
    ServerOptions options = parse(Map.of()).server;
    assertThat(options.host()).isEqualTo("127.0.0.1");
    assertThat(options.port()).isEqualTo(50051);
    assertThat(options.metricsPort()).isEqualTo(9101);
    assertThat(options.tls()).isNull();
    assertThat(options.maxMessageBytes()).isEqualTo(8 << 20);
    assertThat(options.maxCalls()).isEqualTo(1024);
    assertThat(options.grace()).isEqualTo(Duration.ofSeconds(10));
    assertThat(options.logLevel()).isEqualTo(LogLevel.INFO);
  }

  @Test
  void defaultsInsideAnotherProgram() {
    ServerOptions options = new ServerOptions();
    assertThat(options.host()).isEqualTo("127.0.0.1");
    assertThat(options.port()).isZero();
    assertThat(options.metricsPort()).isEqualTo(-1);
    assertThat(options.grace()).isEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void everyOptionIsMapped() {
    ServerOptions options =
        parse(
                Map.of(),
                "--host=0.0.0.0",
                "--port=1",
                "--metrics-port=2",
                "--tls-cert=c.pem",
                "--tls-key=k.pem",
                "--max-message-bytes=3",
                "--max-calls=4",
                "--drain-seconds=5",
                "--log-level=DEBUG")
            .server;
    assertThat(options.host()).isEqualTo("0.0.0.0");
    assertThat(options.port()).isEqualTo(1);
    assertThat(options.metricsPort()).isEqualTo(2);
    assertThat(options.tls()).isEqualTo(new Tls(Path.of("c.pem"), Path.of("k.pem")));
    assertThat(options.maxMessageBytes()).isEqualTo(3);
    assertThat(options.maxCalls()).isEqualTo(4);
    assertThat(options.grace()).isEqualTo(Duration.ofSeconds(5));
    assertThat(options.logLevel()).isEqualTo(LogLevel.DEBUG);
  }

  @Test
  void theEnvironmentGivesDefaultsThatTheCommandLineOverrides() {
    Map<String, String> environment =
        Map.of(
            "LOUPE_LISTEN_HOST", "0.0.0.0",
            "LOUPE_LISTEN_PORT", "1",
            "LOUPE_LISTEN_METRICS_PORT", "2",
            "LOUPE_MAX_MESSAGE_BYTES", "3",
            "LOUPE_LOG_LEVEL", "WARN",
            "LOUPE_MODEL", "gpt2",
            // What Kubernetes sets beside a Service named loupe.
            "LOUPE_PORT", "tcp://10.0.0.1:50051");
    TestCommand command = parse(environment, "--max-message-bytes=7");
    assertThat(command.server.host()).isEqualTo("0.0.0.0");
    assertThat(command.server.port()).isEqualTo(1);
    assertThat(command.server.metricsPort()).isEqualTo(2);
    assertThat(command.server.maxMessageBytes()).isEqualTo(7);
    assertThat(command.server.logLevel()).isEqualTo(LogLevel.WARN);
    assertThat(command.model).isEqualTo("gpt2");
    assertThat(command.server.maxCalls()).isEqualTo(1024);
  }

  @Test
  void helpShowsTheServicesOwnDefaults() {
    String help = new CommandLine(new TestCommand()).getUsageMessage();
    assertThat(help).contains("--port").contains("default: 50051").contains("default: 9101");
  }

  @Test
  void halfOfACertificateIsRefused() {
    ServerOptions options = parse(Map.of(), "--tls-cert=c.pem").server;
    assertThatThrownBy(options::tls).hasMessageContaining("--tls-cert and --tls-key go together");
  }

  @Test
  void aServerIsMadeFromThem() {
    ServerOptions options = parse(Map.of(), "--port=0").server;
    try (GrpcServer server = options.toServer().start()) {
      assertThat(server.port()).isPositive();
      assertThat(server.host()).isEqualTo("127.0.0.1");
    }
    assertThatThrownBy(() -> new ServerOptions(70000, -1).toServer())
        .hasMessage("port is 70000; give 0 to 65535");
    assertThatThrownBy(
            () ->
                parse(Map.of(), "--tls-cert=no.pem", "--tls-key=no.pem").server.toServer().start())
        .hasMessageContaining("tls-cert is \"no.pem\"");
  }
}
