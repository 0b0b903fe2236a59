package dev.loupe.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class InferenceServiceMainTest {
  @Test
  void explainsItsOptions() {
    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      assertThat(InferenceServiceMain.execute("--help")).isZero();
    } finally {
      System.setOut(console);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8))
        .contains("--model", "--threads", "--max-waiting", "--memory-bytes", "--port");
  }

  @Test
  void endsWithOneWhenItCannotStart() {
    assertThat(InferenceServiceMain.execute("--model", "nowhere", "--metrics-port", "-1"))
        .isEqualTo(1);
  }

  @Test
  void endsWithTwoWhenOptionsMakeNoSense() {
    PrintStream console = System.err;
    System.setErr(new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8));
    try {
      assertThat(InferenceServiceMain.execute("--threads", "many")).isEqualTo(2);
    } finally {
      System.setErr(console);
    }
  }
}
