package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.server.metrics.MetricCatalogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class GatewayMetricsTest {
  @Test
  void isAWellFormedCatalogue() {
    assertThat(MetricCatalogue.problems(List.of(GatewayMetrics.values()))).isEmpty();
  }

  @Test
  void standsInTheReadme() throws IOException {
    assertThat(Files.readString(Path.of("README.md")))
        .contains(MetricCatalogue.markdown(List.of(GatewayMetrics.values())));
  }
}
