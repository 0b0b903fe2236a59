package dev.loupe.features;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class FeatureStoreServiceMainTest {
  @TempDir Path folder;

  @Test
  void optionsHaveTheirDefaults() {
    CommandLine main = FeatureStoreServiceMain.commandLine();
    main.parseArgs();
    assertThat(value(main, "--port")).isEqualTo("50053");
    assertThat(value(main, "--metrics-port")).isEqualTo("9103");
    assertThat(value(main, "--database-url")).isEqualTo("jdbc:sqlite:features.db");
    assertThat(value(main, "--database-connections")).isEqualTo("8");
  }

  @Test
  void optionsAreTaken() {
    CommandLine main = FeatureStoreServiceMain.commandLine();
    main.parseArgs(
        "--port=1",
        "--metrics-port=-1",
        "--database-url=jdbc:postgresql://db/loupe",
        "--database-connections=3");
    assertThat(value(main, "--port")).isEqualTo("1");
    assertThat(value(main, "--metrics-port")).isEqualTo("-1");
    assertThat(value(main, "--database-url")).isEqualTo("jdbc:postgresql://db/loupe");
    assertThat(value(main, "--database-connections")).isEqualTo("3");
  }

  @Test
  void helpNamesEveryOption() {
    StringWriter out = new StringWriter();
    int exit = FeatureStoreServiceMain.commandLine().setOut(new PrintWriter(out)).execute("--help");
    assertThat(exit).isZero();
    assertThat(out.toString())
        .contains("--port", "--database-url", "--database-connections", "LOUPE_DATABASE_URL");
  }

  @Test
  void endsWithOneWhenItCannotStart() {
    assertThat(
            FeatureStoreServiceMain.commandLine()
                .execute("--port=0", "--metrics-port=-1", "--database-url=jdbc:sqlite:" + folder))
        .isEqualTo(1);
  }

  @Test
  void endsWithTwoForAnOptionThatItDoesNotKnow() {
    StringWriter err = new StringWriter();
    assertThat(
            FeatureStoreServiceMain.commandLine()
                .setErr(new PrintWriter(err))
                .execute("--databse-url=x"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("--databse-url");
  }

  private static String value(CommandLine main, String name) {
    OptionSpec option = main.getCommandSpec().findOption(name);
    return String.valueOf(option.<Object>getValue());
  }
}
