package dev.loupe.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SummaryTest {
  @TempDir private Path folder;

  @Test
  void dottedNamesBecomeNestedObjects() throws IOException {
    Path file = folder.resolve("new/summary.json");
    new Summary()
        .put("prediction.token", " Austin")
        .put("prediction.probability", 0.75)
        .put("prediction.states_correct", 50)
        .leftOut("concepts.neuron_f1", "no labels")
        .put("duration_seconds", 12.5)
        .write(file);

    JsonNode json = new ObjectMapper().readTree(file.toFile());
    assertThat(json.at("/prediction/token").textValue()).isEqualTo(" Austin");
    assertThat(json.at("/prediction/probability").doubleValue()).isEqualTo(0.75);
    assertThat(json.at("/prediction/states_correct").isIntegralNumber()).isTrue();
    assertThat(json.at("/left_out").get("concepts.neuron_f1").textValue()).isEqualTo("no labels");
    assertThat(json.get("duration_seconds").doubleValue()).isEqualTo(12.5);
    try (var files = Files.list(file.getParent())) {
      assertThat(files).containsExactly(file);
    }
  }
}
