package dev.loupe.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.server.testing.BytesService;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;

/** Runs a service's main as a process of its own, as an operator does. */
@Timeout(90)
class ServerMainTest {
  private static final Pattern LISTENS =
      Pattern.compile("bytes listens on 127\\.0\\.0\\.1:(\\d+), metrics on \\d+");

  @CommandLine.Command(name = "bytes")
  static final class BytesMain implements Callable<Integer> {
    @Mixin ServerOptions server = new ServerOptions(1, 1);

    @Override
    public Integer call() {
      return ServerMain.run("bytes", server, registry -> new Bytes());
    }

    public static void main(String[] arguments) {
      CommandLine command = new CommandLine(new BytesMain());
      System.exit(command.setDefaultValueProvider(new EnvironmentDefaults()).execute(arguments));
    }
  }

  private record Bytes() implements LoupeService {
    @Override
    public List<BindableService> services() {
      return List.of(new BytesService());
    }

    @Override
    public void close() {
      System.err.println("the service is closed");
    }
  }

  private static Process start(int port) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                BytesMain.class.getName(),
                "--metrics-port=0")
            .redirectErrorStream(true);
    builder.environment().put("LOUPE_LISTEN_PORT", String.valueOf(port));
    return builder.start();
  }

  @Test
  void servesUntilItIsToldToEndAndThenDrains() throws Exception {
    Process process = start(0);
    try (BufferedReader log = process.inputReader()) {
      List<String> lines = new ArrayList<>();
      int port = 0;
      for (String line = log.readLine(); line != null && port == 0; line = log.readLine()) {
        lines.add(line);
        Matcher listens = LISTENS.matcher(line);
        if (listens.find()) {
          port = Integer.parseInt(listens.group(1));
          break;
        }
      }
      assertThat(port).as(String.join("\n", lines)).isPositive();
      ManagedChannel channel = Channels.plaintext("127.0.0.1:" + port);
      assertThat(BytesService.call(channel, BytesService.text("a")))
          .isEqualTo(BytesService.text("a"));
      Channels.close(channel);
      process.toHandle().destroy();
      List<String> rest = log.lines().toList();
      assertThat(rest).anyMatch(line -> line.contains("bytes drains"));
      assertThat(rest).anyMatch(line -> line.contains("the service is closed"));
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void aPortInUseIsOneLineAndAnExitCode() throws Exception {
    try (GrpcServer taken = GrpcServer.builder().start()) {
      Process process = start(taken.port());
      try (BufferedReader log = process.inputReader()) {
        List<String> lines = log.lines().toList();
        assertThat(process.waitFor()).isEqualTo(1);
        assertThat(lines)
            .anyMatch(
                line ->
                    line.contains(
                            "bytes cannot start: port " + taken.port() + " on 127.0.0.1 is in use")
                        && line.contains("PORT_IN_USE"));
        assertThat(lines).noneMatch(line -> line.strip().startsWith("at "));
      } finally {
        process.destroyForcibly();
      }
    }
  }
}
