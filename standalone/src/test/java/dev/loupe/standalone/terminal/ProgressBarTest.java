package dev.loupe.standalone.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(written, true, StandardCharsets.UTF_8);

  @Test
  void aFileGetsALineAtTheEnd() {
    try (ProgressBar bar = new Terminal(out, false).progress("reading")) {
      for (int i = 0; i <= 100; i++) {
        bar.at(i, 100);
      }
    }

    assertThat(text().lines()).hasSize(1);
    assertThat(text()).startsWith("  reading: 100 %");
    assertThat(text()).doesNotContain("\r").doesNotContain("\u001b");
  }

  @Test
  void aTerminalsBarIsRedrawnInPlace() {
    try (ProgressBar bar = new Terminal(out, true).progress("reading")) {
      bar.at(0, 4);
      bar.at(4, 4, "done");
    }

    assertThat(text()).startsWith("\r").endsWith("\n").contains("█".repeat(30) + " reading: 100 %");
    assertThat(text().chars().filter(c -> c == '\n')).hasSize(1);
  }

  @Test
  void noProgressIsNoLine() {
    new Terminal(out, true).progress("nothing").close();

    assertThat(text()).isEmpty();
  }

  @Test
  void aHeadingIsUnderlinedInAFile() {
    new Terminal(out, false).heading("Predict");

    assertThat(text()).isEqualTo("\nPredict\n=======\n");
  }

  private String text() {
    return written.toString(StandardCharsets.UTF_8);
  }
}
