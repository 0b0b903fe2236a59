package dev.loupe.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class LoupeTest {
  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void helpNamesEveryCommandAndHowModelsAreFound() {
    assertThat(execute("--help")).isZero();

    assertThat(out.toString())
        .contains(
            "demo",
            "up",
            "pretrain",
            "bench",
            "verify",
            "HF_ENDPOINT",
            "HF_TOKEN",
            "HF_HOME",
            "LOUPE_HOME",
            "~/.loupe",
            "DJL_CACHE_DIR",
            "http://127.0.0.1:8080/");
  }

  @Test
  void withoutACommandItHelps() {
    assertThat(execute()).isZero();

    assertThat(out.toString()).contains("Commands:");
  }

  @Test
  void versionNamesLoupeAndJava() {
    assertThat(execute("--version")).isZero();

    assertThat(out.toString()).matches("(?s)loupe \\d+\\.\\d+.*Java \\d+.*");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "demo, --port, 8080",
        "demo, --prompt, The capital of Texas is",
        "demo, --log-level, WARN",
        "demo, --model,",
        "demo, --corpus,",
        "demo, --dir,",
        "demo, --exit,",
        "up, --port, 8080",
        "up, --log-level, WARN",
        "up, --dir,",
        "up, --load-from,",
        "up, --allow-host,",
        "up, --model,"
      })
  void optionsHaveTheseDefaults(String command, String option, String expected) {
    OptionSpec spec =
        commandLine().getSubcommands().get(command).getCommandSpec().findOption(option);

    assertThat(spec).isNotNull();
    assertThat(spec.defaultValue()).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "demo --prompt= , --prompt is empty",
    "demo --features=0 , --features is 0",
    "demo --steps=-1 , --steps is -1",
    "demo --port=eight , --port",
    "demo --port=99999 , '99999' is no port; expected 0 to 65535",
    "up --port=-2 , '-2' is no port; expected 0 to 65535",
    "up --nonsense , --nonsense",
    "bogus , bogus"
  })
  void whatCannotBeUnderstoodIsRefusedBeforeAnythingStarts(String line, String words) {
    assertThat(execute(line.split(" "))).isEqualTo(CommandLine.ExitCode.USAGE);

    assertThat(err.toString()).contains(words);
  }

  @ParameterizedTest
  @ValueSource(strings = {"up", "demo"})
  void helpSaysHowAModelIsNamedAndItsFormChosen(String command) {
    assertThat(execute(command, "--help")).isZero();

    assertThat(out.toString())
        .contains(
            "[ID=]MODEL[#FORM]", "#bf16", "#all", "mine=./my-model#bf16+fold_ln", "--load-from");
  }

  @Test
  void dataGoesWhereTheEnvironmentSaysOrIntoTheHomeFolder() {
    assertThat(ServingOptions.home(Map.of("LOUPE_HOME", "/data/loupe")))
        .isEqualTo(Path.of("/data/loupe"));
    assertThat(ServingOptions.home(Map.of("LOUPE_HOME", " ")))
        .isEqualTo(ServingOptions.home(Map.of()))
        .isEqualTo(Path.of(System.getProperty("user.home"), ".loupe"));
  }

  @Test
  void aPortInUseIsSaid() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      String port = Integer.toString(taken.getLocalPort());

      assertThat(execute("up", "--dir", folder.toString(), "--port", port)).isEqualTo(1);

      assertThat(err.toString()).contains("port " + port, "in use");
    }
  }

  @Test
  void aModelFolderThatIsNotThereIsSaid() {
    String missing = folder.resolve("nowhere").toString();

    assertThat(execute("up", "--dir", folder.toString(), "--port", "0", "--model", missing))
        .isEqualTo(1);

    assertThat(err.toString()).contains("nowhere").doesNotContain("Exception");
  }

  @Test
  void aModelWithHalfATokenizerIsSaid() throws IOException {
    Path model = Files.createDirectories(folder.resolve("model"));
    Files.writeString(model.resolve("config.json"), "{\"model_type\": \"gpt2\"}");
    Files.write(model.resolve("model.safetensors"), new byte[8]);
    Files.writeString(model.resolve("vocab.json"), "{\"a\": 0}");

    assertThat(
            execute("up", "--dir", folder.toString(), "--port", "0", "--model", model.toString()))
        .isEqualTo(1);

    assertThat(err.toString()).contains("tokenizer", "merges.txt");
  }

  @Test
  void aFolderThatCannotBeWrittenIsSaid() throws IOException {
    // A file stands where the folder should be: that holds for the superuser too.
    Path file = Files.writeString(folder.resolve("file"), "");

    assertThat(execute("up", "--dir", file.resolve("data").toString(), "--port", "0")).isEqualTo(1);

    assertThat(err.toString()).contains("cannot be written", "--dir");
  }

  private int execute(String... arguments) {
    return commandLine().execute(arguments);
  }

  private CommandLine commandLine() {
    return Loupe.commandLine(new PrintWriter(out, true), new PrintWriter(err, true));
  }
}
