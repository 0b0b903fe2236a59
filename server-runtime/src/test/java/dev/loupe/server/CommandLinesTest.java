package dev.loupe.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

class CommandLinesTest {
  private static final List<String> WORDS =
      List.of(
          "http://127.0.0.1:8080/docs/?q=a#top",
          "blocks.2.hook_resid_post",
          "openai-community/gpt2",
          "~/.djl.ai");

  @Command(
      name = "serve",
      subcommands = Deeper.class,
      mixinStandardHelpOptions = true,
      description = "Look at http://127.0.0.1:8080/docs/?q=a#top or at blocks.2.hook_resid_post.",
      footer =
          "The natives of openai-community/gpt2 lie in ~/.djl.ai or"
              + " http://127.0.0.1:8080/docs/?q=a#top.")
  static final class Serve implements Runnable {
    @Mixin private ServerOptions server = new ServerOptions(50051, 9101);

    @Option(
        names = "--at",
        defaultValue = "a.b/c",
        description = "One of openai-community/gpt2 and ~/.djl.ai (default: ${DEFAULT-VALUE}).")
    private String at;

    @Override
    public void run() {
      assertThat(server.port() + at).endsWith("a.b/c");
    }
  }

  @Command(name = "deeper", description = "See ~/.djl.ai, openai-community/gpt2.")
  static final class Deeper implements Runnable {
    @Override
    public void run() {}
  }

  private final StringWriter err = new StringWriter();

  private CommandLine commandLine() {
    return CommandLines.ofServer(new Serve()).setErr(new PrintWriter(err, true));
  }

  @ParameterizedTest
  @ValueSource(ints = {60, 64, 71, 80, 97})
  void helpBreaksNoWordAtAnyWidth(int width) {
    CommandLine commandLine = commandLine().setUsageHelpWidth(width);

    String help = commandLine.getUsageMessage();
    String deeper = commandLine.getSubcommands().get("deeper").getUsageMessage();

    assertThat(help).contains(WORDS).contains("(default: a.b/c)", "--at=<at>", "--port=PORT");
    assertThat(deeper).contains("~/.djl.ai", "openai-community/gpt2");
    assertThat(help.chars().filter(c -> Character.getType(c) == Character.PRIVATE_USE)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "--port=99999, --port, 0 to 65535",
    "--port=-1, --port, 0 to 65535",
    "--port=eight, --port, 0 to 65535",
    "--metrics-port=65536, --metrics-port, -1 for none",
    "--nonsense=1, --nonsense, Unknown option",
  })
  void whatIsWrongStandsLast(String argument, String option, String expected) {
    assertThat(commandLine().execute(argument)).isEqualTo(CommandLine.ExitCode.USAGE);

    List<String> lines = err.toString().lines().toList();
    assertThat(lines.get(0)).startsWith("Usage: serve");
    assertThat(lines.get(lines.size() - 1)).contains(option, expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--port=0", "--port=65535", "--metrics-port=-1", "--metrics-port=65535"})
  void portsThatThereAreAreTaken(String argument) {
    assertThat(commandLine().execute(argument)).isZero();
  }

  @Test
  void unknownOptionsAreFollowedByWhatMayBeMeant() {
    commandLine().execute("--metrics-prt=1");

    assertThat(err.toString()).contains("--metrics-port");
  }
}
